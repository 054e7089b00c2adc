//! What may be said of a vendor's words.

/// The longest excerpt kept of a vendor's message, in characters.
const MAX_EXCERPT: usize = 160;

/// A vendor's message with everything that may be a person or a secret taken out: words with an
/// `@`, words with three or more digits in them, and words longer than 40 characters are replaced
/// by `…`; control characters by a space; the rest is cut at 160 characters.
///
/// Names can't be told from other words, so a vendor that puts names into its messages must be
/// quoted by code only; see each adapter's `error.rs`.
pub fn redact(message: &str) -> String {
    let mut out = String::new();
    for word in message.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        let digits = word.chars().filter(char::is_ascii_digit).count();
        if word.contains('@') || digits >= 3 || word.chars().count() > 40 {
            out.push('…');
        } else {
            out.push_str(word);
        }
    }
    if out.chars().count() > MAX_EXCERPT {
        out = out.chars().take(MAX_EXCERPT).collect();
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn addresses_numbers_and_long_words_are_taken_out() {
        assert_eq!(
            redact("Contact jane@example.test (303-555-0134) not found"),
            "Contact … … not found"
        );
        assert_eq!(redact(&"k".repeat(41)), "…");
        assert_eq!(redact("line\nbreak\u{7}bell"), "line break bell");
    }

    #[test]
    fn a_long_message_is_cut() {
        assert_eq!(redact(&"ab ".repeat(200)).chars().count(), 161);
    }
}
