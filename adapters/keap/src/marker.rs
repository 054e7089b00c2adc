//! Making a write recognizable afterwards, without a client seeing anything.
//!
//! Keap knows no idempotency key, so the only thing that tells whether a write happened is the
//! written thing itself. The caller gives each effect a marker; here it is only embedded: as an
//! HTML comment in mail, as the last line of a task's or note's text, which only staff see: whose it is, and a
//! reference that can be read out over the phone. Earlier versions wrote the marker itself in brackets there; that is
//! looked for, too.

use relay_core::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// What was found by its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkerMatch {
    /// Keap's id.
    pub id: String,
    /// When it was sent or made, where Keap tells.
    pub at: Option<Timestamp>,
}

/// What stands before the reference.
const LINE: &str = "Clear Relay, ref. ";

/// Thirty-two signs that people read alike (Crockford's).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A marker that is safe inside an HTML comment.
///
/// A text of 8 to 64 ASCII letters, digits and `_` is used as it is, without a leading `relay:`;
/// any other text is replaced by the first 128 bits of its SHA-256, in hex. So the same text always gives the same
/// marker, and no text can close a comment or show an internal name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// The marker for the caller's text.
    pub fn new(text: &str) -> Self {
        let text = text.strip_prefix("relay:").unwrap_or(text);
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if (8..=64).contains(&text.len()) && text.chars().all(plain) {
            return Self(text.to_owned());
        }
        let digest = Sha256::digest(text.as_bytes());
        Self(hex::encode(&digest[..16]))
    }

    /// The line that ends a task's description or a note's text: `Clear Relay, ref. K7Q2-9WXR-4M8T`.
    pub fn line(&self) -> String {
        format!("{LINE}{}", self.reference())
    }

    /// Whether `line` is such a line, of whatever marker, and nothing else.
    pub fn is_line(line: &str) -> bool {
        let reference = line.strip_prefix(LINE);
        reference.is_some_and(|reference| {
            let is_group = |group: &str| {
                group.len() == 4 && group.bytes().all(|letter| LETTERS.contains(&letter))
            };
            reference.split('-').count() == 3 && reference.split('-').all(is_group)
        })
    }

    /// The first sixty bits of its SHA-256, in groups of four: digits, and letters that can't be taken for digits or
    /// each other.
    fn reference(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        let mut bits = digest
            .iter()
            .take(8)
            .fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let mut text = String::with_capacity(14);
        for place in 0..12 {
            if place > 0 && place % 4 == 0 {
                text.push('-');
            }
            bits = bits.rotate_left(5);
            let letter = usize::try_from(bits & 31).unwrap_or_default();
            text.extend(LETTERS.get(letter).map(|letter| char::from(*letter)));
        }
        text
    }

    /// The line that earlier versions wrote.
    fn earlier_line(&self) -> String {
        format!("[relay:{}]", self.0)
    }

    /// The comment that ends the HTML part of a mail.
    pub fn comment(&self) -> String {
        format!("<!-- relay:{} -->", self.0)
    }

    /// `text` with the marker as its last line.
    pub fn append_to(&self, text: &str) -> String {
        let text = text.trim_end();
        if text.is_empty() {
            return self.line();
        }
        format!("{text}\n\n{}", self.line())
    }

    /// Whether a task's or note's text holds the marker, on whatever line: staff write below it. The reference alone
    /// is enough, however the words before it were treated on the way.
    pub fn is_in_text(&self, text: &str) -> bool {
        let reference = self.reference();
        let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let whole = |at: usize| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let after = text.get(at + reference.len()..);
            let after = after.and_then(|after| after.chars().next());
            !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
        };
        text.match_indices(&reference).any(|(at, _)| whole(at))
            || text.contains(&self.earlier_line())
    }

    /// Whether an HTML part holds the marker, however its blanks were treated on the way.
    pub fn is_in_html(&self, html: &str) -> bool {
        html.split("<!--").skip(1).any(|rest| {
            let comment = rest.split("-->").next().unwrap_or_default();
            comment.trim().strip_prefix("relay:") == Some(self.0.as_str())
        })
    }
}

/// `text` as an HTML part: escaped, line by line, with the marker in a comment. A client sees
/// exactly the text.
pub fn html_part(text: &str, marker: &Marker) -> String {
    let mut out = String::with_capacity(text.len() + 128);
    out.push_str("<div>");
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            out.push_str("<br>\n");
        }
        for c in line.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                other => out.push(other),
            }
        }
    }
    out.push_str("</div>\n");
    out.push_str(&marker.comment());
    out
}

/// Whether `text` holds what Keap might take for a merge field (`~Contact.FirstName~`) and
/// replace. Such a text must not be sent: the clinic approved other words.
pub fn has_merge_field(text: &str) -> bool {
    let mut parts = text.split('~').skip(1).peekable();
    while let Some(part) = parts.next() {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if parts.peek().is_some() && part.contains('.') && part.chars().all(word) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_marker_is_kept_and_any_other_is_hashed() {
        let comment = "<!-- relay:k7q2w9x1 -->";
        assert_eq!(Marker::new("k7q2w9x1").comment(), comment);
        assert_eq!(Marker::new("relay:k7q2w9x1").comment(), comment);
        let hashed = Marker::new("0198/choose_channel/1/email");
        assert_eq!(hashed.comment().len(), "<!-- relay: -->".len() + 32);
        assert!(!hashed.comment().contains("choose_channel"));
        assert_eq!(hashed, Marker::new("0198/choose_channel/1/email"));
        assert_ne!(hashed, Marker::new("0198/choose_channel/2/email"));
    }

    #[test]
    fn the_marker_is_the_last_line_of_a_text() {
        let marker = Marker::new("k7q2w9x1");
        assert_eq!(
            marker.append_to("Call her.\n"),
            format!("Call her.\n\n{LINE_OF_K7}")
        );
        assert_eq!(marker.append_to(""), LINE_OF_K7);
        for text in [
            format!("Call her.\r\n{LINE_OF_K7}\nOutcome: spoke"),
            format!("<p>Call her.</p><p>{LINE_OF_K7}</p>"),
            LINE_OF_K7.replace(' ', "&nbsp;"),
        ] {
            assert!(marker.is_in_text(&text), "{text}");
        }
        for text in [
            format!("{LINE_OF_K7}1"),
            format!("{LINE_OF_K7}-1"),
            LINE_OF_K7.replace("ref. ", "ref. 1"),
        ] {
            assert!(!marker.is_in_text(&text), "{text}");
        }
        assert!(!Marker::new("k7q2w9x2").is_in_text(LINE_OF_K7));
    }

    /// Stored at the vendor: it never changes.
    const LINE_OF_K7: &str = "Clear Relay, ref. PN5C-8ECJ-VG93";

    #[test]
    fn what_earlier_versions_wrote_is_found() {
        let marker = Marker::new("relay:k7q2w9x1");
        assert!(marker.is_in_text("Call her.\r\n[relay:k7q2w9x1]\nOutcome: spoke"));
        assert!(!marker.is_in_text("[relay:k7q2w9x10]"));
    }

    #[test]
    fn the_html_part_shows_exactly_the_text() {
        let marker = Marker::new("k7q2w9x1");
        let html = html_part("Hi <Maya> & \"Jo\",\n\nit's due.", &marker);
        assert_eq!(
            html,
            "<div>Hi &lt;Maya&gt; &amp; &quot;Jo&quot;,<br>\n<br>\nit&#39;s due.</div>\n\
             <!-- relay:k7q2w9x1 -->"
        );
        assert!(marker.is_in_html(&html));
        assert!(marker.is_in_html("<p>x</p><!--relay:k7q2w9x1--><p>footer</p>"));
        assert!(!Marker::new("k7q2w9x2").is_in_html(&html));
        assert!(!marker.is_in_html("&lt;!-- relay:k7q2w9x1 --&gt;"));
    }

    #[test]
    fn a_merge_field_is_recognized_and_a_plain_tilde_is_not() {
        assert!(has_merge_field("Hi ~Contact.FirstName~!"));
        assert!(has_merge_field("~Contact._CustomField~"));
        assert!(!has_merge_field("about ~3 weeks, ~. ok"));
        assert!(!has_merge_field("a ~ b.c"));
    }

    proptest! {
        #[test]
        fn no_text_can_end_the_comment_or_lose_its_marker(text in "\\PC{0,80}", of in "\\PC{0,80}") {
            let marker = Marker::new(&of);
            let html = html_part(&text, &marker);
            prop_assert!(marker.is_in_html(&html));
            prop_assert_eq!(html.matches("-->").count(), 1);
            prop_assert!(marker.is_in_text(&marker.append_to(&text)));
            let _ = has_merge_field(&text);
        }
    }
}
