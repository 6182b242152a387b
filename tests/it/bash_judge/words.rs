//! Words that come to a known text in many ways, and commands that are called in many ways.

use super::grammar::{Generator, Scope};
use super::tree::{Asks, Node};

/// A word, and the lines that must come before it.
pub(super) struct Computed {
    pub(super) before: String,
    pub(super) word: String,
}

impl Computed {
    fn plain(word: impl Into<String>) -> Self {
        Self { before: String::new(), word: word.into() }
    }
}

impl Generator {
    /// A word that comes to a key: of the scope's variables, or of a key that is chosen now.
    pub(super) fn key(&mut self, scope: &Scope) -> (Computed, String) {
        if !scope.keys.is_empty() && self.one_in(2) {
            let variable = self.rng.choice(&scope.keys).cloned().unwrap_or_default();
            let word = if self.one_in(5) { format!("${variable}") } else { format!("\"${{{variable}}}\"") };
            return (Computed::plain(word), "x".to_owned());
        }
        let key = self.plain_key();
        let computed = if self.one_in(2) { Computed::plain(key) } else { self.computed(key) };
        (computed, key.to_owned())
    }

    pub(super) fn plain_key(&mut self) -> &'static str {
        ["x", "x", "x", "y", "y", "z"][self.rng.usize(0..6)]
    }

    /// A word that comes to this text of one letter.
    pub(super) fn computed(&mut self, text: &str) -> Computed {
        let v = self.variable();
        let upper = text.to_uppercase();
        let quoted = format!("\"${v}\"");
        let (before, word) = match self.rng.usize(0..42) {
            0 => (String::new(), format!("'{text}'")),
            1 => (format!("{v}={text}"), quoted),
            2 => (format!("{v}={text}"), format!("${v}")),
            3 => (format!("{v}={text}q"), format!("\"${{{v}%q}}\"")),
            4 => (format!("{v}=q.{text}"), format!("\"${{{v}#*.}}\"")),
            5 => (format!("{v}=q/r/{text}"), format!("\"${{{v}##*/}}\"")),
            6 => (format!("{v}={text}/r/q"), format!("\"${{{v}%%/*}}\"")),
            7 => (format!("{v}=q{text}q"), format!("\"${{{v}//q/}}\"")),
            8 => (format!("{v}=q"), format!("\"${{{v}/q/{text}}}\"")),
            9 => (format!("{v}=pq{text}r"), format!("\"${{{v}:2:1}}\"")),
            10 => (format!("{v}=pq{text}"), format!("\"${{{v}: -1}}\"")),
            11 => (format!("{v}={upper}"), format!("\"${{{v},,}}\"")),
            12 => (self.unset(&v), format!("\"${{{v}:-{text}}}\"")),
            13 => (self.unset(&v), format!("\"${{{v}:={text}}}\"")),
            14 => (format!("{v}=1"), format!("\"${{{v}:+{text}}}\"")),
            15 => (format!("{v}=(q {text} r)"), format!("\"${{{v}[1]}}\"")),
            16 => (format!("{v}=(q {text})"), format!("\"${{{v}[-1]}}\"")),
            17 => (format!("declare -A {v}\n{v}[k]={text}"), format!("\"${{{v}[k]}}\"")),
            18 => (format!("{v}=(q {text} r)"), format!("\"${{{v}[@]:1:1}}\"")),
            19 => (format!("{v}0={text}\n{v}={v}0"), format!("\"${{!{v}}}\"")),
            20 => (String::new(), format!("$(echo {text})")),
            21 => (format!("{v}=$(printf '%s' {text})"), quoted),
            22 => (format!("printf -v {v} '%s' {text}"), quoted),
            23 => (format!("{v}n={v}\ndeclare \"${v}n={text}\""), quoted),
            24 => (format!("read -r {v} <<< {text}"), quoted),
            25 => (format!("IFS=: read -r _ {v} <<< q:{text}"), quoted),
            26 => (format!("{v}f() {{ echo \"$1\"; }}"), format!("\"$({v}f {text})\"")),
            27 => (format!("{v}f() {{ local r=$1; {v}=$r; }}\n{v}f {text}"), quoted),
            28 => (format!("{v}f() {{ local -n r=$1; r={text}; }}\n{v}f {v}"), quoted),
            29 => (format!("eval \"{v}={text}\""), quoted),
            30 => (format!("case q in q) {v}={text} ;; *) {v}=r ;; esac"), quoted),
            31 => (format!("for {v} in q {text}; do :; done"), quoted),
            32 => (format!("set_env k {text}"), "\"$(get_env k)\"".to_owned()),
            33 => (format!("mapfile -t {v} <<< $'q\\n{text}'"), format!("\"${{{v}[1]}}\"")),
            34 => (format!("set -- q {text}"), "\"$2\"".to_owned()),
            35 => (format!("set -- q {text} r\nshift"), "\"$1\"".to_owned()),
            36 => (format!("{v}=\n{v}+={text}"), quoted),
            37 => (format!("{v}i=1\n{v}=(q {text})\n(({v}i += 0))"), format!("\"${{{v}[{v}i]}}\"")),
            38 => (format!("{v}=1\n[[ ${v} == 1 ]] && {v}={text}"), quoted),
            39 => (format!("{v}=q\n{v}=r true\n[ ${v} = q ] && {v}={text}"), quoted),
            40 => (format!("{v}=$(cat <<END\n{text}\nEND\n)"), quoted),
            _ => (format!("[[ q-{text} =~ -(.) ]]"), "\"${BASH_REMATCH[1]}\"".to_owned()),
        };
        Computed { before, word }
    }

    /// A call of a command of the store, in one of many ways; `arguments` are words of the shell.
    pub(super) fn called(&mut self, command: &str, arguments: &str) -> String {
        let v = self.variable();
        if self.one_in(2) {
            return format!("{command} {arguments}");
        }
        // What forks more is rare.
        let ways = if self.one_in(3) { 36 } else { 26 };
        match self.rng.usize(0..ways) {
            0 => format!("pipelinectl {command} {arguments}"),
            1 => format!("command {command} {arguments}"),
            2 => format!("{v}={command}\n${v} {arguments}"),
            3 => format!("{v}='{command}'\n\"${v}\" {arguments}"),
            4 => format!("{v}=\n${v} {command} {arguments}"),
            5 => format!("{v}=({command} {arguments})\n\"${{{v}[@]}}\""),
            6 => format!("eval {command} {arguments}"),
            7 => format!("A=1 {command} {arguments}"),
            8 => format!("{command} {arguments} > /dev/null 2>&1"),
            9 => format!("! {command} {arguments}"),
            10 => format!("{v}() {{ \"$@\"; }}\n{v} {command} {arguments}"),
            11 => format!("{v}() {{ {command} \"$@\"; }}\n{v} {arguments}"),
            12 => format!("{command}() {{ command {command} \"$@\"; }}\n{command} {arguments}\nunset -f {command}"),
            13 => format!("{command}() {{ :; }}\ncommand {command} {arguments}\nunset -f {command}"),
            14 => format!("{command}() {{ :; }}\nunset -f {command}\n{command} {arguments}"),
            15 => format!("{command}() {{ :; }}\n{command} {arguments}\nunset -f {command}"),
            16 => format!("builtin {command} {arguments} 2> /dev/null || :"),
            17 => format!("command -v {command} > /dev/null && {command} {arguments}"),
            18 => format!("if type {command} > /dev/null 2>&1; then {command} {arguments}; fi"),
            19 => format!("(exec {command} {arguments})"),
            20 => format!("{command} {arguments} || exit 1"),
            21 => format!("true && {command} {arguments}"),
            22 => format!("false || {command} {arguments}"),
            23 => format!("{{ {command} {arguments}; }} > /dev/null"),
            24 => format!("{v}f() {{ local c=$1; shift; $c \"$@\"; }}\n{v}f {command} {arguments}"),
            25 => format!("{v}=({command})\n{v}+=({arguments})\n\"${{{v}[@]}}\""),
            26 => format!("env K=v {command} {arguments}"),
            27 => format!("nice -n 5 {command} {arguments}"),
            28 => format!("timeout 5 {command} {arguments}"),
            29 => format!("setsid {command} {arguments}"),
            30 => format!("stdbuf -oL {command} {arguments}"),
            31 => format!("bash -c '{command} \"$@\"' _ {arguments}"),
            32 => format!("echo {arguments} | xargs {command}"),
            33 => format!("find s -name keys.txt -exec {command} {arguments} \\;"),
            34 => format!("echo {command} {arguments} | bash"),
            _ => format!("env {command} {arguments}"),
        }
    }

    /// A statement that sets, exports or triggers.
    pub(super) fn effect(&mut self, scope: &Scope) -> Node {
        match self.rng.usize(0..10) {
            0..=4 => self.export(scope),
            5..=6 => self.set(scope),
            _ => self.trigger(scope),
        }
    }

    pub(super) fn export(&mut self, scope: &Scope) -> Node {
        let (computed, key) = self.key(scope);
        let more = if self.one_in(12) { " y" } else { "" };
        let call = self.called("export_env", &format!("{}{more}", computed.word));
        Node::line(joined(&computed.before, &call)).or_simply(format!("export_env {key}"))
    }

    fn set(&mut self, scope: &Scope) -> Node {
        let (computed, key) = self.key(scope);
        let word = &computed.word;
        let call = match self.rng.usize(0..12) {
            0 => format!("echo v | set_env {word}"),
            1 => format!("set_env {word} <<< v"),
            2 => format!("set_env {word} v k w"),
            3 => format!("set_env {word} < s/keys.txt"),
            4 => format!("set_env {word} << END\nv\nEND"),
            5 => {
                let export = self.called("export_env", word);
                format!("set_env {word} v\n{export}")
            }
            6..=7 => format!("set_env {word} v\nexport_env {word}"),
            _ => self.called("set_env", &format!("{word} v")),
        };
        Node::line(joined(&computed.before, &call)).or_simply(format!("set_env {key} v"))
    }

    pub(super) fn trigger(&mut self, scope: &Scope) -> Node {
        self.labels += 1;
        let label = self.labels;
        let target = if self.one_in(3) { "b" } else { "a" };
        let (before, name) = match self.rng.usize(0..8) {
            0 => {
                let text = ["p", "q", "r"][self.rng.usize(0..3)];
                let computed = self.computed(text);
                let word = computed.word;
                (computed.before, if word.contains("[@]") { word } else { format!("p-{word}") })
            }
            1..=2 => {
                let computed = self.computed(target);
                (computed.before, computed.word)
            }
            3 if !scope.keys.is_empty() => {
                let variable = self.rng.choice(&scope.keys).cloned().unwrap_or_default();
                (String::new(), format!("\"p-${variable}\""))
            }
            _ => (String::new(), target.to_owned()),
        };
        let call = self.called("trigger-task", &format!("{name} L{label}"));
        Node::line(joined(&before, &call)).or_simply(format!("trigger-task {target} L{label}"))
    }

    /// Any environment may have a variable, but those that are run: that is only asked where no finding is judged.
    fn unset(&self, variable: &str) -> String {
        if self.asks == Asks::Anyhow { String::new() } else { format!("unset {variable}") }
    }

    /// A condition, of the environment or known.
    pub(super) fn condition(&mut self, scope: &Scope) -> String {
        let of_first = [
            "[ \"$E1\" = 1 ]",
            "[[ $E1 == 1* ]]",
            "[ -n \"$E1\" ]",
            "[ -z \"$E1\" ]",
            "test \"$E1\" = 1",
            "[[ -z $E1 ]]",
            "[ \"${E1:-0}\" = 1 ]",
            "(( ${E1:-0} ))",
            "! [ \"$E1\" ]",
            "[[ -v E1 ]]",
            "[ \"$E1\" != 1 ]",
        ];
        let of_second = [
            "[ \"$E2\" = yes ]",
            "[[ $E2 == y* ]]",
            "[[ $E2 =~ ^y ]]",
            "[ \"${E2:0:1}\" = y ]",
            "[ \"${E2}\" ]",
            "[ -z \"${E2+set}\" ]",
            "[[ ! $E2 == yes ]]",
            "[[ ${#E2} -gt 2 ]]",
        ];
        if self.one_in(4) {
            let known =
                ["true", "false", "[ -f s/keys.txt ]", "command -v export_env > /dev/null", "[ 1 = 1 ]", "(( 1 > 2 ))", "[[ a == b ]]"];
            if !scope.keys.is_empty() && self.one_in(2) {
                let variable = self.rng.choice(&scope.keys).cloned().unwrap_or_default();
                return format!("[ \"${variable}\" = x ]");
            }
            return known[self.rng.usize(0..known.len())].to_owned();
        }
        let Some(variable) = self.variable_of_environment() else {
            return ["true", "false", "[ -d s ]", "[ a = b ]"][self.rng.usize(0..4)].to_owned();
        };
        let ways = if variable == 0 { &of_first[..] } else { &of_second };
        let words = ways[self.rng.usize(0..ways.len())];
        if self.asks == Asks::Alike { (*self.words[variable].get_or_insert(words)).to_owned() } else { words.to_owned() }
    }
}

fn joined(before: &str, call: &str) -> String {
    if before.is_empty() { call.to_owned() } else { format!("{before}\n{call}") }
}
