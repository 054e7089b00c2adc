//! The form post of an automation of the CRM: whatever a person typed, and whoever found the path.

use bytes::Bytes;
use relay_keap::automation::{MAX_BODY, PostContent, dedupe_key, parse, with_query};

use crate::targets::answers::now;
use crate::targets::{Target, check_words};

/// The target. The first line of an input is the content type; the second, after `?`, the query of
/// the address; the rest is the body.
pub const TARGET: Target = Target {
    name: "keap_automation",
    run,
    words: &[
        "application/x-www-form-urlencoded\n?\n",
        "application/json\n?\n",
        "multipart/form-data; boundary=b\n?\n",
        "--b\r\nContent-Disposition: form-data; name=\"contactId\"\r\n\r\n",
        "\r\n--b--\r\n",
        "contactId=1001",
        "Contact0Id=",
        "Id=",
        "event=email_clicked",
        "event=email_opened",
        "email=Welcome%203",
        "link=booking",
        "~Contact.Id~",
        "%7EContact.Id%7E",
        "%",
        "%00",
        "%F0%9F",
        "&",
        "=",
        ";",
        "\"",
        "{\"contactId\":1001,\"event\":\"email_clicked\"}",
        "kanari.vogel@example.test",
    ],
    fixtures: &[],
    executions: 6_000,
};

/// Runs one input.
///
/// # Panics
/// If a promise is broken.
fn run(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (kind, query, body) = (next(), next(), next());
    let kind = std::str::from_utf8(kind).ok();
    let query = std::str::from_utf8(query).ok();
    let query = query.and_then(|query| query.strip_prefix('?'));

    let whole = with_query(kind, query, Bytes::copy_from_slice(body));
    assert!(whole.len() <= body.len() + query.map_or(0, str::len) + 1);
    let said = parse(kind, &whole);
    assert_eq!(said, parse(kind, &whole), "the same post says the same");
    assert_eq!(
        dedupe_key("a", kind, &whole, now()),
        dedupe_key("a", kind, &whole, now()),
    );
    assert_ne!(
        dedupe_key("a", kind, &whole, now()),
        dedupe_key("b", kind, &whole, now()),
        "posts under two secrets are two posts"
    );
    match said {
        Err(error) => check_words(&error.to_string(), 200),
        Ok(PostContent::Test) => {}
        Ok(PostContent::Event(post)) => {
            assert!(whole.len() <= MAX_BODY);
            assert!(post.contact.bytes().all(|byte| byte.is_ascii_digit()));
            for label in [post.email, post.link].into_iter().flatten() {
                check_words(&label, 81);
                assert!(!label.chars().any(char::is_control), "{label:?}");
            }
        }
    }
}
