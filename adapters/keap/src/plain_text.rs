//! A task's description that somebody edited in a rich text field, as plain text.
//!
//! Keap stores what it is given, and one of its editors gives it HTML: what the relay wrote comes back with
//! `<br>` between its lines and `&amp;` in them. Only what is needed to read lines again is turned: the tags
//! that end a line, the others left out, the entities that HTML itself needs. A text without a tag of HTML's is
//! left as it is.

use std::borrow::Cow;

/// The tags that end a line; after a slash, too.
const LINE_ENDS: [&str; 20] = [
    "br",
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "tr",
    "td",
    "th",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
    "blockquote",
    "section",
];

/// The tags that say nothing about lines, by which HTML is known as well.
const INLINE: [&str; 10] = [
    "span", "b", "i", "u", "a", "strong", "em", "font", "html", "body",
];

/// `text` without HTML.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    if !tags(text).any(|(_, _, name)| is_known(&name)) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut end_of_last = 0;
    for (start, end, name) in tags(text) {
        if !is_known(&name) {
            continue;
        }
        plain.push_str(&without_entities(
            text.get(end_of_last..start).unwrap_or_default(),
        ));
        if LINE_ENDS.contains(&name.as_str()) {
            plain.push('\n');
        }
        end_of_last = end;
    }
    plain.push_str(&without_entities(
        text.get(end_of_last..).unwrap_or_default(),
    ));
    Cow::Owned(plain)
}

fn is_known(name: &str) -> bool {
    LINE_ENDS.contains(&name) || INLINE.contains(&name)
}

/// What may be tags: where each begins and ends, and its name in lower case.
fn tags(text: &str) -> impl Iterator<Item = (usize, usize, String)> + '_ {
    text.match_indices('<').filter_map(move |(start, _)| {
        let rest = text.get(start + 1..)?;
        let inside = rest.get(..rest.find('>')?)?;
        let name: String = inside
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        Some((start, start + inside.len() + 2, name))
    })
}

fn without_entities(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let turned = [
        ("&nbsp;", " "),
        ("&#160;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        // Last: what it makes is text, and no entity of its own.
        ("&amp;", "&"),
    ];
    let turn = |text: String, (entity, sign): (&str, &str)| text.replace(entity, sign);
    Cow::Owned(turned.into_iter().fold(text.to_owned(), turn))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_come_back_out_of_html() {
        for (html, plain) in [
            ("One<br>Two<br/>Three", "One\nTwo\nThree"),
            (
                "<p>One</p><p>Two &amp; &lt;three&gt;</p>",
                "\nOne\n\nTwo & <three>\n",
            ),
            ("<div>Answer: <b>handled</b></div>", "\nAnswer: handled\n"),
            ("a&nbsp;b<BR class='x'>c", "a b\nc"),
            ("&amp;lt;<br>", "&lt;\n"),
        ] {
            assert_eq!(plain_text(html), plain, "{html}");
        }
    }

    #[test]
    fn a_text_that_is_no_html_is_left_as_it_is() {
        for text in [
            "",
            "5 < 6 and 7 > 6",
            "Smith & Sons &amp; more",
            "<3 for you",
            "a <unknown> b",
        ] {
            assert_eq!(plain_text(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s)(.{0,10}|<|>|/|br|&amp;|<p>){0,12}") {
            let _ = plain_text(&text);
        }
    }
}
