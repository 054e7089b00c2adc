//! What stands where a name should, and is none.

/// Words that stand for "no name", in lower case.
const NOTHING: [&str; 31] = [
    "null",
    "none",
    "undefined",
    "nil",
    "n/a",
    "n.a.",
    "n.a",
    "unknown",
    "test",
    "testing",
    "test test",
    "tester",
    "test user",
    "test client",
    "no name",
    "noname",
    "first name",
    "firstname",
    "first_name",
    "fname",
    "last name",
    "lastname",
    "full name",
    "your name",
    "name",
    "tbd",
    "asdf",
    "customer",
    "client",
    "contact",
    "(none)",
];

/// The same where only one spelling means it: with one capital, they are given names.
const NOTHING_AS_SPELT: [&str; 5] = ["NaN", "nan", "NAN", "NA", "na"];

/// What the fields of a merge field are fields of.
const FIELDS_OF: [&str; 6] = [
    "contact",
    "client",
    "customer",
    "recipient",
    "subscriber",
    "user",
];

/// What begins and ends a merge field, in the mail programs and forms in use.
const WRAPPED: [(&str, &str); 9] = [
    ("{", "}"),
    ("[", "]"),
    ("<", ">"),
    ("%", "%"),
    ("~", "~"),
    ("|", "|"),
    ("*", "*"),
    ("#", "#"),
    ("_", "_"),
];

/// What no name has in it, and a merge field does.
const MARKS: [&str; 8] = ["{{", "}}", "<%", "%>", "${", "*|", "|*", "[["];

/// Whether the whole text, or a part that can be nothing else, is a merge field that was not filled.
pub fn has_merge_field(text: &str) -> bool {
    MARKS.iter().any(|mark| text.contains(mark)) || has_tilde_field(text)
}

/// Whether it says in some way that there is no name: `null`, `(null)`, `null null`, `#N/A`.
pub(super) fn is_nothing(name: &str) -> bool {
    let stands_for_none = |text: &str| {
        NOTHING.contains(&text.to_lowercase().as_str()) || NOTHING_AS_SPELT.contains(&text)
    };
    // `#NAME?`, `#REF!`: what a spreadsheet prints.
    let cell = name.starts_with('#') && name.ends_with(['!', '?']);
    let visible: String = name.chars().filter(|c| !is_joiner(*c)).collect();
    let bare = |text: &str| {
        let inner = text.trim_matches(|c: char| !c.is_alphanumeric());
        stands_for_none(text) || stands_for_none(inner)
    };
    let mut words = visible.split(' ').peekable();
    cell || bare(&visible) || (words.peek().is_some() && words.all(bare))
}

/// Shows nothing where nothing is joined.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// `Contact.FirstName` without its marks, or `[First Name] Hayes`: a field with a name beside it.
fn has_bare_field(name: &str) -> bool {
    let lower = name.to_lowercase();
    let path = lower.split(' ').any(|word| {
        FIELDS_OF.iter().any(|of| {
            word.strip_prefix(of)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|rest| rest.starts_with(char::is_alphabetic))
        })
    });
    let bracketed = [('[', ']'), ('{', '}')].iter().any(|(open, close)| {
        let first = name
            .strip_prefix(*open)
            .and_then(|rest| rest.split_once(*close));
        first.is_some_and(|(inside, _)| {
            inside.chars().any(char::is_alphabetic)
                && inside
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | ' ' | '-'))
        })
    });
    path || bracketed
}

pub(super) fn is_merge_field(name: &str) -> bool {
    let wrapped = WRAPPED.iter().any(|(open, close)| {
        let marked = name.starts_with(open) && name.ends_with(close);
        let inside = name.trim_start_matches(open).trim_end_matches(close);
        // `<b>Mia</b>` is markup that somebody typed, and has more than one pair.
        marked && !inside.is_empty() && !inside.contains(open) && !inside.contains(close)
    });
    let runs_of_underscores = !name.is_empty() && name.chars().all(|c| c == '_');
    wrapped || runs_of_underscores || has_merge_field(name) || has_bare_field(name)
}

/// `~Contact.FirstName~`, anywhere: Keap's own spelling.
fn has_tilde_field(text: &str) -> bool {
    let mut parts = text.split('~').skip(1).peekable();
    while let Some(part) = parts.next() {
        let closed = parts.peek().is_some();
        let is_path = part.contains('.')
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || c == '.' || c == '_');
        if closed && is_path {
            return true;
        }
    }
    false
}
