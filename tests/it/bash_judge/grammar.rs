//! Makes small repositories from a grammar. Everything ends: loops are counted, and nothing calls itself.

use fastrand::Rng;

use super::tree::{Asks, Node, Piece, Repository, Script, written};

/// What a statement can use where it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// Variables that hold keys.
    pub(super) keys: Vec<String>,
    functions: Vec<String>,
    can_return: bool,
    is_loop: bool,
    depth: usize,
}

impl Scope {
    fn inner(&self) -> Self {
        Self { depth: self.depth + 1, ..self.clone() }
    }

    /// What a subshell can use: it neither breaks a loop of its parent nor returns from its function.
    fn process(&self) -> Self {
        Self { is_loop: false, can_return: false, ..self.inner() }
    }

    /// What a new shell can use.
    fn child(&self) -> Self {
        Self { depth: self.depth + 1, ..Self::default() }
    }

    fn with_key(mut self, variable: &str) -> Self {
        self.keys.push(variable.to_owned());
        self
    }
}

pub(super) struct Generator {
    pub(super) rng: Rng,
    pub(super) labels: usize,
    variables: usize,
    /// Statements that may still be made.
    left: usize,
    files: Vec<Script>,
    /// Variables of the environment that may still be asked.
    unasked: Vec<usize>,
    pub(super) asks: Asks,
    /// The words that ask for each of them, where they are always the same.
    pub(super) words: [Option<&'static str>; 2],
}

/// The repository of a seed.
pub(super) fn repository(seed: u64) -> Repository {
    let mut rng = Rng::with_seed(seed);
    let left = rng.usize(5..=20);
    let asks = [Asks::Once, Asks::Once, Asks::Once, Asks::Once, Asks::Alike, Asks::Anyhow][rng.usize(0..6)];
    // Each variable doubles the number of runs.
    let asked: [&[usize]; 7] = [&[], &[0], &[1], &[0], &[1], &[0, 1], &[1, 0]];
    let unasked = asked[rng.usize(0..asked.len())].to_vec();
    Generator { rng, labels: 0, variables: 0, left, files: Vec::new(), unasked, asks, words: [None; 2] }.repository()
}

impl Generator {
    fn repository(mut self) -> Repository {
        let names: &[&str] = [&["deploy"][..], &["deploy", "dynamic-scan"], &["setup", "deploy", "dynamic-scan"]][self.rng.usize(0..3)];
        let mut stages = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let scope = Scope::default();
            let mut body = Vec::new();
            if self.one_in(4) {
                body.push(Node::line(["set -e", "set -eu", "set -euo pipefail", "set -u"][self.rng.usize(0..4)]));
            }
            let size = self.rng.usize(2..=6);
            body.extend(self.body(&scope, size));
            if index + 1 == names.len() {
                body.push(self.trigger(&scope));
            }
            stages.push(Script { name: (*name).to_owned(), body, succeeds: !self.one_in(6) });
        }
        let targets = [("a", ["get_env x", "get_env y default", "get_env z ''"]), ("b", ["get_env z", "get_env x ''", "get_env y"])];
        let targets = targets.map(|(name, reads)| Script { name: name.to_owned(), body: reads.map(Node::line).to_vec(), succeeds: true });
        Repository { stages, targets: targets.to_vec(), files: self.files, asks: self.asks }
    }

    pub(super) fn one_in(&mut self, number: usize) -> bool {
        self.rng.usize(0..number) == 0
    }

    /// A name that nothing else has.
    pub(super) fn variable(&mut self) -> String {
        self.variables += 1;
        format!("v{}", self.variables)
    }

    /// Which variable of the environment a condition asks; none if all were asked that may be.
    pub(super) fn variable_of_environment(&mut self) -> Option<usize> {
        if self.asks == Asks::Once { self.unasked.pop() } else { self.rng.choice(&self.unasked).copied() }
    }

    fn body(&mut self, scope: &Scope, size: usize) -> Vec<Node> {
        let mut scope = scope.clone();
        let mut body = Vec::new();
        for _ in 0..size {
            self.left = self.left.saturating_sub(1);
            if self.left == 0 && !body.is_empty() {
                break;
            }
            body.push(self.statement(&mut scope));
        }
        body
    }

    fn small(&mut self, scope: &Scope) -> Vec<Node> {
        let size = self.rng.usize(1..=3);
        self.body(scope, size)
    }

    fn statement(&mut self, scope: &mut Scope) -> Node {
        let is_deep = scope.depth >= 3 || self.left == 0;
        match self.rng.usize(0..100) {
            0..=37 => self.effect(scope),
            38..=44 => self.variable_with_key(scope),
            45..=51 => self.leave(scope),
            52..=56 => self.small_block(scope),
            _ if is_deep => self.effect(scope),
            57..=66 => self.branch(scope),
            67..=77 => self.repeat(scope),
            78..=84 => self.process(scope),
            85..=91 => self.function(scope),
            92..=95 => self.file(scope),
            _ => self.trap(scope),
        }
    }

    /// Binds a variable that later statements use.
    fn variable_with_key(&mut self, scope: &mut Scope) -> Node {
        let key = self.plain_key();
        let computed = self.computed(key);
        let v = self.variable();
        scope.keys.push(v.clone());
        let export = if self.one_in(3) { "export " } else { "" };
        Node::line(format!("{}\n{export}{v}={}", computed.before, computed.word).trim_start().to_owned()).or_simply(format!("{v}={key}"))
    }

    /// Ends a loop, a function or a process early, perhaps.
    fn leave(&mut self, scope: &Scope) -> Node {
        let mut ways = vec!["exit 0", "exit", "set -e", "set +e"];
        if scope.can_return {
            ways.extend(["return", "return 0", "return 1"].repeat(3));
        }
        if scope.is_loop {
            ways.extend(["break", "continue", "break 2"].repeat(3));
        }
        let way = ways[self.rng.usize(0..ways.len())];
        let condition = self.condition(scope);
        let text = match self.rng.usize(0..8) {
            0 => format!("{condition} || {way}"),
            1 => format!("if {condition}; then {way}; fi"),
            2 => format!("get_env {} > /dev/null || {way}", self.plain_key()),
            3 => format!("{condition} && {{ {}; {way}; }}", self.called("export_env", "x").replace('\n', "; ")),
            4 if self.asks != Asks::Alike => format!("case $E1 in 1) {way} ;; esac"),
            _ => format!("{condition} && {way}"),
        };
        if text.contains("$E1") && !condition.contains("E1") && self.variable_of_environment() != Some(0) {
            // This variable was asked before.
            return Node::line(format!("{condition} && {way}"));
        }
        Node::line(text)
    }

    /// `CONDITION && ..` and other short forms.
    fn small_block(&mut self, scope: &Scope) -> Node {
        let condition = self.condition(scope);
        let body = vec![self.effect(scope)];
        match self.rng.usize(0..4) {
            0 => Node::block(format!("{condition} || {{"), body, "}"),
            1 => Node::block("{", body, "}"),
            2 => Node { pieces: vec![Piece::Text("eval ".to_owned()), Piece::Quoted(body), Piece::Text("'".to_owned())], simple: None },
            _ => Node::block(format!("{condition} && {{"), body, "}"),
        }
    }

    fn branch(&mut self, scope: &Scope) -> Node {
        let inner = scope.inner();
        match self.rng.usize(0..8) {
            0..=2 => {
                let mut pieces = vec![Piece::Text(format!("if {}; then", self.condition(scope))), Piece::Body(self.small(&inner))];
                if self.one_in(4) {
                    pieces.extend([Piece::Text(format!("elif {}; then", self.condition(scope))), Piece::Body(self.small(&inner))]);
                }
                if self.one_in(2) {
                    pieces.extend([Piece::Text("else".to_owned()), Piece::Body(self.small(&inner))]);
                }
                pieces.push(Piece::Text("fi".to_owned()));
                Node { pieces, simple: None }
            }
            3 => Node::block("if", vec![self.effect(&inner)], "then :; fi"),
            _ => self.case(scope),
        }
    }

    fn case(&mut self, scope: &Scope) -> Node {
        let inner = scope.inner();
        // Of the environment, each pattern has a value that is run.
        let asked = if self.asks == Asks::Alike { None } else { self.variable_of_environment() };
        let (subject, patterns): (String, &[&str]) = match asked {
            Some(0) => ("\"${E1-}\"".to_owned(), &["1", "*"]),
            Some(_) => ("${E2-none}".to_owned(), &["y*", "*"]),
            None => match scope.keys.last() {
                Some(variable) if self.one_in(2) => (format!("\"${variable}\""), &["x", "y | z", "*"]),
                _ => ("one".to_owned(), &["o*", "?ne", "*"]),
            },
        };
        let mut open = format!("case {subject} in\n");
        let mut pieces = Vec::new();
        let skipped = self.rng.usize(0..patterns.len());
        for (index, pattern) in patterns.iter().enumerate().skip(skipped) {
            let is_last = index + 1 == patterns.len();
            let end = [";;", ";;", ";;", ";&", ";;&"][if is_last { 0 } else { self.rng.usize(0..5) }];
            if self.one_in(6) && *pattern != "y | z" {
                let v = self.variable();
                open = format!("{v}='{pattern}'\n{open}");
                pieces.extend([Piece::Text(format!("${v})")), Piece::Body(self.small(&inner)), Piece::Text(format!("{end}\n"))]);
            } else {
                pieces.extend([Piece::Text(format!("{pattern})")), Piece::Body(self.small(&inner)), Piece::Text(format!("{end}\n"))]);
            }
        }
        pieces.insert(0, Piece::Text(open));
        pieces.push(Piece::Text("esac".to_owned()));
        Node { pieces, simple: None }
    }

    fn repeat(&mut self, scope: &Scope) -> Node {
        let v = self.variable();
        let inner = Scope { is_loop: true, ..scope.inner() };
        let with_key = inner.clone().with_key(&v);
        // A loop that is the end of a pipe is a process.
        let piped = Scope { is_loop: true, ..scope.process() }.with_key(&v);
        let (open, inner, close) = match self.rng.usize(0..18) {
            0 => (format!("for {v} in x y; do"), with_key, "done".to_owned()),
            1 => (format!("for {v} in {{1..2}}; do"), inner, "done".to_owned()),
            2 => (format!("for (({v} = 0; {v} < 2; {v}++)); do"), inner, "done".to_owned()),
            3 => (format!("for {v} in $(seq 1 2); do"), inner, "done".to_owned()),
            4 => (format!("{v}=0\nwhile [ ${v} -lt 2 ]; do\n{v}=$(({v} + 1))"), inner, "done".to_owned()),
            5 => (format!("{v}=0\nuntil (({v}++ >= 2)); do"), inner, "done".to_owned()),
            6 => (format!("while read -r {v}; do"), with_key, "done <<END\nx\ny\nEND".to_owned()),
            7 => (format!("printf '%s\\n' x y | while read -r {v}; do"), piped, "done".to_owned()),
            8 => (format!("while read -r {v}; do"), with_key, "done <<< x".to_owned()),
            9 => (format!("while read -r {v}; do"), with_key, "done < s/keys.txt".to_owned()),
            10 => (format!("set -- x y\nwhile [ $# -gt 0 ]; do\n{v}=$1\nshift"), with_key, "done".to_owned()),
            11 => (format!("set -- x z y\nwhile (($# > 0)); do\n{v}=$1\nshift 2 || shift"), with_key, "done".to_owned()),
            12 => (format!("{v}l=(x y)\nfor {v} in \"${{{v}l[@]}}\"; do"), with_key, "done".to_owned()),
            13 => (format!("{v}l=x:y\nIFS=:\nfor {v} in ${v}l; do"), with_key, "done\nunset IFS".to_owned()),
            14 => (format!("{v}l='x y'\nfor {v} in ${v}l; do"), with_key, "done".to_owned()),
            15 => (format!("for {v} in $(cat s/keys.txt); do"), with_key, "done".to_owned()),
            16 => (format!("for {v} in s/*.txt; do"), inner, "done".to_owned()),
            _ => (format!("{v}l=(x y)\nfor {v} in \"${{!{v}l[@]}}\"; do"), inner, "done".to_owned()),
        };
        let mut body = self.small(&inner);
        let text = written(&body);
        // Arguments that the body sets again would never come to an end.
        if open.contains("$#") && ["set -- ", "source ", ". "].iter().any(|way| text.contains(way)) {
            body = vec![Node::line("export_env \"$1\"")];
        }
        Node::block(open, body, close)
    }

    /// What runs in a process of its own, and is waited for.
    fn process(&mut self, scope: &Scope) -> Node {
        let inner = scope.process();
        let child = scope.child();
        let v = self.variable();
        match self.rng.usize(0..13) {
            0..=1 => Node::block("(", self.small(&inner), ")"),
            2 => Node::block("(", self.small(&inner), ") || :"),
            3 => Node::block(format!("{v}=$("), self.small(&inner), ")"),
            4 => Node::block("{", self.small(&inner), "} | cat"),
            5 => Node::block("echo | {", self.small(&inner), "}"),
            6 => Node::block("{", self.small(&inner), "} &\nwait"),
            7 => Node::quoted("bash -c ", self.small(&child), "'"),
            8 => Node::quoted("bash -ec ", self.small(&child), "'"),
            9 => Node::quoted("bash -c ", self.small(&child.with_key("1")), "' _ x"),
            10 => {
                let end = format!("END{}", self.variable());
                Node::block(format!("bash <<'{end}'"), self.small(&child), end)
            }
            11 => Node::quoted("echo ", self.small(&child), "' | bash"),
            _ => Node::block("(", self.small(&inner), ") > /dev/null"),
        }
    }

    /// Defines a function and calls it, or calls one that is there.
    fn function(&mut self, scope: &mut Scope) -> Node {
        if let Some(function) = self.rng.choice(&scope.functions).cloned()
            && self.one_in(2)
        {
            let (computed, key) = self.key(scope);
            let call = match self.rng.usize(0..6) {
                0 => format!("v=$({function} {})", computed.word),
                1 => format!("{function} {} || :", computed.word),
                2 => format!("({function} {})", computed.word),
                3 => format!("{function} {} &\nwait", computed.word),
                _ => format!("{function} {}", computed.word),
            };
            return Node::line(format!("{}\n{call}", computed.before).trim_start().to_owned()).or_simply(format!("{function} {key}"));
        }
        if self.one_in(8) {
            return self.same_call_on_other_input();
        }
        let name = format!("f{}", self.variable());
        let inner = Scope { can_return: true, is_loop: false, ..scope.inner() };
        let (open, inner) = match self.rng.usize(0..4) {
            0 => (format!("{name}() {{\nlocal k=$1"), inner.with_key("k")),
            1 => (format!("{name}() {{\nfor k; do"), Scope { is_loop: true, ..inner }.with_key("k")),
            2 => (format!("{name}() ("), Scope { can_return: false, ..inner }.with_key("1")),
            _ => (format!("function {name} {{"), inner.with_key("1")),
        };
        let close = if open.ends_with("do") {
            "done\n}"
        } else if open.ends_with('(') {
            ")"
        } else {
            "}"
        };
        let body = self.small(&inner);
        let (call, key) = (self.one_in(5), self.plain_key());
        let after = if call { String::new() } else { format!("\n{name} {key}") };
        scope.functions.push(name);
        Node::block(open, body, format!("{close}{after}"))
    }

    /// Calls that differ in nothing but what they read; long enough to be worth remembering.
    fn same_call_on_other_input(&mut self) -> Node {
        let (f, v, key) = (format!("f{}", self.variable()), self.variable(), self.plain_key());
        let long = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do :; :; :; done";
        let define = format!("{f}() {{\n{long}\nread -r {v}\nif [ \"${v}\" = {key} ]; then export_env {key}; fi\n}}");
        let call = |rng: &mut Rng, text: &str| match rng.usize(0..3) {
            0 => format!("echo {text} | {f}"),
            1 => format!("({f} <<< {text})"),
            _ => format!("printf '{text}\\n' | {f} || :"),
        };
        let (first, second) = if self.one_in(3) { (key, "q") } else { ("q", key) };
        let (first, second) = (call(&mut self.rng, first), call(&mut self.rng, second));
        Node::line(format!("{define}\n{first}\n{second}")).or_simply(format!("export_env {key}"))
    }

    /// A script file, and the statement that runs it.
    fn file(&mut self, scope: &Scope) -> Node {
        let name = format!("s/f{}.sh", self.files.len());
        let is_sourced = self.one_in(2);
        let inner = if is_sourced { Scope { can_return: true, is_loop: false, ..scope.inner() } } else { scope.child() };
        let has_argument = self.one_in(2);
        let inner = if has_argument { inner.with_key("1") } else { inner };
        // The place in the list is taken before files that this one runs are made.
        let at = self.files.len();
        self.files.push(Script { name: name.clone(), body: Vec::new(), succeeds: false });
        self.files[at].body = self.small(&inner);
        let (before, argument) = if has_argument {
            let (computed, _) = self.key(scope);
            (computed.before, format!(" {}", computed.word))
        } else {
            (String::new(), String::new())
        };
        let ways: &[&str] =
            if is_sourced { &[".", "source", "source ./", ". \"$PWD\"/"] } else { &["./", "bash", "bash -eu", "env K=v", "bash -x"] };
        let way = ways[self.rng.usize(0..ways.len())];
        let space = if way.ends_with('/') { "" } else { " " };
        let path = if way == "env K=v" { format!("./{name}") } else { name };
        Node::line(format!("{before}\n{way}{space}{path}{argument}").trim_start().to_owned())
    }

    fn trap(&mut self, scope: &Scope) -> Node {
        let v = self.variable();
        // A handler runs where nothing of the scope may be left.
        let handler = Scope { depth: scope.depth + 1, ..Scope::default() };
        match self.rng.usize(0..6) {
            0 => Node::quoted("trap ", vec![self.effect(&handler)], "' EXIT"),
            1 => Node::block(format!("{v}() {{"), vec![self.effect(&handler)], format!("}}\ntrap {v} EXIT")),
            2 => Node::line("trap - EXIT"),
            3 => {
                let trap = Node::quoted("trap ", vec![self.effect(&handler)], "' EXIT");
                let mut body = vec![trap];
                body.extend(self.small(&scope.process()));
                Node::block("(", body, ")")
            }
            4 => Node::quoted("trap ", vec![self.effect(&handler)], "' EXIT\ntrap - EXIT"),
            _ => Node::quoted("trap ", vec![self.effect(&handler)], "' 0"),
        }
    }
}
