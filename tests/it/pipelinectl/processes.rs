//! Many processes at once, and sudden ends: no writer loses what another one wrote, or leaves a half of what it writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde_json::json;

use super::{Run, files_below};

#[test]
fn no_process_loses_what_another_wrote() {
    let run = Run::new();
    let output = run.bash(
        r#"
        writers=()
        for writer in {1..8}; do
          (for number in {1..15}; do
             pipelinectl set_env "w$writer.$number" "$number"
             pipelinectl save_repo app "w$writer.$number=$number"
             pipelinectl set_env shared "$writer-$(printf %05000d "$writer")"
             value=$(pipelinectl get_env shared)
             [[ ${#value} -eq 5002 && ${value%%-*} -eq $((10#${value#*-})) ]] || exit 7
           done) &
          writers+=("$!")
        done
        for writer in "${writers[@]}"; do wait "$writer"; done"#,
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(run.text(&["list_env"]).lines().count(), 8 * 15 + 1);
    assert_eq!(run.json(&["load_repo", "app"]).as_object().map(serde_json::Map::len), Some(8 * 15));
}

#[test]
fn of_many_who_set_a_constant_one_succeeds() {
    let run = Run::new();
    let codes: Vec<Option<i32>> = thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|number| {
                let run = &run;
                scope.spawn(move || run.call(&["set_envc", "k", &number.to_string()]).status.code())
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == Some(1)).count(), 7, "{codes:?}");
}

#[test]
fn after_kill_9_the_old_value_or_the_new_is_there() {
    let run = Run::new();
    let output = run.bash(
        r#"
        old=$(printf '%0100000d' 1) new=$(printf '%0100000d' 2)
        for round in {1..60}; do
          printf %s "$old" | pipelinectl set_env key
          printf %s "$new" >value
          pipelinectl set_env key <value &
          for ((pause = 0; pause < round * 40; pause++)); do :; done
          kill -9 $! 2>/dev/null || true
          wait $! 2>/dev/null || true
          value=$(pipelinectl get_env key)
          [[ $value == "$old" || $value == "$new" ]] || { echo "round $round: ${#value} bytes"; exit 7; }
          pipelinectl set_env other "$round"
        done
        pipelinectl list_env"#,
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "key\nother\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn after_kill_9_all_pairs_are_there_or_none() {
    let run = Run::new();
    let output = run.bash(
        r#"
        pairs() { for number in {1..150}; do printf '%s\n' "k$number" "$1"; done; }
        lasts() { mapfile -t values < <(pipelinectl serialize "${keys[@]}" | grep -o '":"[a-z0-9]*"' | sort -u); }
        mapfile -t keys < <(printf 'k%s\n' {1..150})
        mapfile -t old < <(pairs old)
        pipelinectl set_env "${old[@]}"
        for round in {1..40}; do
          mapfile -t new < <(pairs "new$round")
          pipelinectl set_env "${new[@]}" "only$round" x &
          for ((pause = 0; pause < round * 100; pause++)); do :; done
          kill -9 $! 2>/dev/null || true
          wait $! 2>/dev/null && ended=1 || ended=0
          lasts
          [[ ${#values[@]} -eq 1 ]] || { echo "round $round: ${values[*]}"; exit 7; }
          only=$(pipelinectl get_env "only$round" none)
          [[ ${values[0]} == "\":\"new$round\"" ]] && expected=x || expected=none
          [[ $only == "$expected" ]] || { echo "round $round: ${values[0]}, and a new key is $only"; exit 8; }
          [[ $ended -eq 0 || $expected == x ]] || { echo "round $round: nothing is there"; exit 9; }
        done
        ls -A "$PIPELINECTL_STATE" | sort"#,
    );
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stdout).as_ref()), (Some(0), ".lock\n.unfinished\nenv\n"), "{said}");
}

#[test]
fn what_cannot_be_written_takes_back_what_was() {
    let state = json!({ "env": { "a": "new", "b": "2" }, "repos": { "app": { "url": "u" } }, "artifacts": { "image": { "name": "n" } } });
    // The last of all that is written.
    for (blocked, call) in [
        ("env/z", &["set_env", "a", "new", "b", "2", "z", "3"][..]),
        ("exported/z", &["export_env", "a", "b", "z"]),
        ("repo/app/z", &["save_repo", "app", "url=u", "z=3"]),
        ("artifact/image/name", &["deserialize", "state.json"]),
    ] {
        for is_blocked in [true, false] {
            let run = Run::new();
            fs::write(run.path("state.json"), state.to_string()).unwrap();
            assert!(run.call_with(&["set_env", "a"], b"old\xff").status.success());
            run.get(&["save_repo", "lib", "url=u"]);
            let before = files_below(&run.state());
            if is_blocked {
                fs::create_dir_all(run.state().join(blocked).join("below")).unwrap();
            }
            assert_eq!(run.call(call).status.code(), Some(if is_blocked { 2 } else { 0 }), "{call:?}");
            if is_blocked {
                assert_eq!(run.get(&["get_env", "a"]), b"old\xff", "{call:?}");
                fs::remove_dir(run.state().join(blocked).join("below")).unwrap();
                for folder in Path::new(blocked).ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
                    // Where something else was there before, it stays.
                    let _ = fs::remove_dir(run.state().join(folder));
                }
            }
            let sorted = |mut files: Vec<PathBuf>| {
                files.sort();
                files
            };
            assert_eq!(sorted(files_below(&run.state())) == sorted(before), is_blocked, "{call:?}");
        }
    }
}
