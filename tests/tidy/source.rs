//! A file as the rules see it.

/// A text, and what of it is code.
pub struct Source {
    /// From the root of the project, with `/`.
    pub path: String,
    /// The lines as they are.
    pub lines: Vec<String>,
    /// Of a Rust file: the lines without comments and without what stands in quotes. Of others: nothing.
    pub code: Vec<String>,
    /// Of a Rust file: the line from which on everything is a test, if there is one.
    pub tests_from: usize,
}

impl Source {
    /// Takes a file apart.
    pub fn new(path: &str, text: &str) -> Source {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let code: Vec<String> = match path.strip_suffix(".rs") {
            Some(_) => code_of(text).lines().map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let is_test_file =
            path.starts_with("tests/") || path.split('/').any(|part| part == "tests" || part == "tests.rs");
        let opens = |at: usize| {
            code[at].trim() == "#[cfg(test)]"
                && code[at + 1..].iter().take(3).any(|line| line.starts_with("mod tests {"))
        };
        let tests_from = if is_test_file { 0 } else { (0..code.len()).find(|at| opens(*at)).unwrap_or(code.len()) };
        Source { path: path.to_owned(), lines, code, tests_from }
    }
    /// Whether the path begins with one of these.
    pub fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
    /// Lines of code with their numbers, from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.code.iter().map(String::as_str))
    }
}

/// The words and signs of a line of code: `a::b(c)` is `a`, `:`, `:`, `b`, `(`, `c`, `)`. Spaces are left out.
pub fn tokens(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
        let length =
            if is_word(first) { rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()) } else { first.len_utf8() };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

/// Whether `line` holds these tokens one after the other.
pub fn has(line: &str, sequence: &str) -> bool {
    let (line, sequence) = (tokens(line), tokens(sequence));
    line.windows(sequence.len()).any(|window| window == sequence)
}

/// Where the lexer is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Code,
    Line,
    Block(u32),
    Text,
    Raw(usize),
}

/// A text of Rust in which comments and the insides of quotes are blank. Lines stay where they are.
pub fn code_of(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let (mut at, mut place) = (0, In::Code);
    while at < signs.len() {
        let (next, length, shown) = step(&signs[at..], at.checked_sub(1).map(|before| signs[before]), place);
        for sign in &signs[at..at + length] {
            out.push(if shown || *sign == '\n' { *sign } else { ' ' });
        }
        (at, place) = (at + length, next);
    }
    out
}

/// What comes next: where that leads, how many signs it has, and whether it is code.
fn step(rest: &[char], before: Option<char>, place: In) -> (In, usize, bool) {
    let starts = |with: &str| with.chars().enumerate().all(|(at, sign)| rest.get(at) == Some(&sign));
    match place {
        In::Line if rest[0] == '\n' => (In::Code, 1, false),
        In::Line => (In::Line, 1, false),
        In::Block(1) if starts("*/") => (In::Code, 2, false),
        In::Block(depth) if starts("*/") => (In::Block(depth - 1), 2, false),
        In::Block(depth) if starts("/*") => (In::Block(depth + 1), 2, false),
        In::Block(depth) => (In::Block(depth), 1, false),
        In::Text if rest[0] == '\\' => (In::Text, rest.len().min(2), false),
        In::Text if rest[0] == '"' => (In::Code, 1, true),
        In::Text => (In::Text, 1, false),
        In::Raw(hashes) if starts(&format!("\"{}", "#".repeat(hashes))) => (In::Code, 1 + hashes, true),
        In::Raw(hashes) => (In::Raw(hashes), 1, false),
        In::Code if starts("//") => (In::Line, 2, false),
        In::Code if starts("/*") => (In::Block(1), 2, false),
        In::Code if rest[0] == '"' => (In::Text, 1, true),
        In::Code if rest[0] == '\'' => (In::Code, letter(rest), true),
        In::Code => match raw(rest, before) {
            Some((hashes, length)) => (In::Raw(hashes), length, true),
            None => (In::Code, 1, true),
        },
    }
}

/// The length of a letter in quotes, or of the quote that begins a lifetime.
fn letter(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => 3 + tail.iter().position(|sign| *sign == '\'').map_or(0, |end| end + 1),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

/// Whether a raw text begins here: its hashes, and the length of its opening.
fn raw(rest: &[char], before: Option<char>) -> Option<(usize, usize)> {
    if before.is_some_and(|sign| sign.is_alphanumeric() && sign != 'b' || sign == '_') || rest[0] != 'r' {
        return None;
    }
    let hashes = rest[1..].iter().take_while(|sign| **sign == '#').count();
    (rest.get(1 + hashes) == Some(&'"')).then_some((hashes, hashes + 2))
}

#[test]
fn comments_and_quotes_are_no_code() {
    let cases = [
        ("a // b", "a"),
        ("a /* b /* c */ d */ e", "a e"),
        (r#"f("x // \" y") + z"#, r#"f("") + z"#),
        (r##"f(r#"x " y"#) + z"##, "f(r#\"\"#) + z"),
        (r"f('\'', '/', b'\\') // g", r"f('\'', '/', b'\\')"),
        ("fn f<'a>(x: &'a str) {} // h", "fn f<'a>(x: &'a str) {}"),
        ("for r in x {} /// doc", "for r in x {}"),
        ("var\"x\"", "var\"\""),
    ];
    for (text, code) in cases {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join("").replace(' ', "");
        assert_eq!(squeeze(&code_of(text)), squeeze(code), "{text}");
        assert_eq!(code_of(text).lines().count(), text.lines().count());
    }
}

#[test]
fn tests_begin_at_their_module() {
    let source = Source::new("src/base/x.rs", "fn f() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n}\n");
    assert_eq!(source.tests_from, 1);
    assert_eq!(Source::new("src/base/x/tests.rs", "fn f() {}\n").tests_from, 0);
    assert_eq!(Source::new("src/base/x.rs", "fn f() {}\n#[cfg(test)]\nmod tests;\nfn g() {}\n").tests_from, 4);
}
