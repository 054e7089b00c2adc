//! Posts in every spelling, and none that breaks the reader.

use proptest::prelude::*;

use super::*;

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const PARTS: Option<&str> = Some("multipart/form-data; boundary=\"x-1\"");

fn now() -> Timestamp {
    "2026-11-04T17:12:31Z".parse().expect("a valid time")
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with what the reader returns"
)]
fn clicked(email: Option<&str>, link: Option<&str>) -> Result<PostContent, Unreadable> {
    Ok(PostContent::Event(Post {
        contact: "4711".to_owned(),
        event: Event::Clicked,
        email: email.map(str::to_owned),
        link: link.map(str::to_owned),
    }))
}

#[test]
fn every_form_says_the_same() {
    let expected = clicked(Some("Welcome 3"), Some("booking"));
    let form = "contactId=4711&event=email_clicked&email=Welcome+3&link=booking";
    assert_eq!(parse(FORM, form.as_bytes()), expected);
    assert_eq!(parse(None, form.as_bytes()), expected, "no media type");
    assert_eq!(parse(Some("text/plain"), form.as_bytes()), expected);

    let json = r#"{"contactId":4711,"event":"email_clicked","email":"Welcome 3",
                   "link":"booking","more":{"deep":[1]}}"#;
    assert_eq!(parse(Some("application/json"), json.as_bytes()), expected);
    assert_eq!(parse(FORM, json.as_bytes()), expected, "a wrong media type");

    let mut parts = String::from("preamble\r\n");
    for (name, value) in [
        ("contactId", "4711"),
        ("event", "email_clicked"),
        ("email", "Welcome 3"),
        ("link", "booking"),
    ] {
        let head = "--x-1\r\nContent-Type: text/plain\r\ncontent-disposition: form-data";
        let part = format!("{head}; name=\"{name}\"\r\n\r\n{value}\r\n");
        parts.push_str(&part);
    }
    let file =
        "--x-1\r\nContent-Disposition: form-data; name=\"Id\"; filename=\"a.txt\"\r\n\r\n9\r\n";
    parts.push_str(file);
    assert_eq!(
        parse(PARTS, parts.as_bytes()),
        Err(Unreadable::NotMultipart),
        "cut off"
    );
    parts.push_str("--x-1--\r\n");
    assert_eq!(parse(PARTS, parts.as_bytes()), expected);
}

#[test]
fn the_contact_is_found_under_every_name_in_use() {
    for name in [
        "contactId",
        "ContactId",
        "contact_id",
        "CONTACT_ID",
        "Id",
        "id",
        "Contact0Id",
        "contact%20id",
        "Contact.Id",
    ] {
        let body = format!("{name}=4711&event=click");
        assert_eq!(parse(FORM, body.as_bytes()), clicked(None, None), "{name}");
    }
    // `Id` may be anything else's where the contact has its own name.
    let both = b"Id=9&contactId=4711&event=click";
    assert_eq!(parse(FORM, both), clicked(None, None));
    let two = b"contactId=9&Contact0Id=4711&event=click";
    assert_eq!(parse(FORM, two), Err(Unreadable::TwoContacts));
    let same = b"contactId=4711&Contact0Id=4711&contactId=&event=click";
    assert_eq!(parse(FORM, same), clicked(None, None));
}

#[test]
fn events_are_known_by_their_usual_words() {
    let event = |word: &str| parse(FORM, format!("id=1&event={word}").as_bytes());
    for word in [
        "email_opened",
        "opened",
        "OPEN",
        "Email%20Opened",
        "email-open",
    ] {
        let said = event(word);
        assert!(
            matches!(&said, Ok(PostContent::Event(post)) if post.event == Event::Opened),
            "{word}: {said:?}"
        );
    }
    for word in ["email_clicked", "click", "link_clicked", "email.click"] {
        let said = event(word);
        assert!(
            matches!(&said, Ok(PostContent::Event(post)) if post.event == Event::Clicked),
            "{word}: {said:?}"
        );
    }
    for word in ["purchased", "email_", "opened_twice"] {
        assert_eq!(event(word), Err(Unreadable::UnknownEvent), "{word}");
    }
}

#[test]
fn a_merge_field_that_was_not_filled_is_a_test() {
    for body in [
        "contactId=~Contact.Id~&event=email_clicked",
        "contactId=%7EContact.Id%7E&event=email_clicked",
        "Id=~Contact.Id~",
        "contactId=4711&event=~Contact._Event~",
    ] {
        assert_eq!(
            parse(FORM, body.as_bytes()),
            Ok(PostContent::Test),
            "{body}"
        );
    }
}

#[test]
fn what_cannot_be_used_names_its_remedy_and_not_its_content() {
    for (body, why) in [
        ("", Unreadable::Empty),
        ("&&=", Unreadable::Empty),
        ("event=email_clicked", Unreadable::NoContact),
        ("contactId=Jane+Doe&event=click", Unreadable::NotAContact),
        ("contactId=-1&event=click", Unreadable::NotAContact),
        ("contactId=4711", Unreadable::NoEvent),
        ("{\"contactId\":", Unreadable::NotJson),
    ] {
        assert_eq!(parse(FORM, body.as_bytes()), Err(why), "{body}");
        assert!(!why.to_string().contains("Jane"), "{why}");
    }
    let many = "a=1&".repeat(65);
    assert_eq!(parse(FORM, many.as_bytes()), Err(Unreadable::TooMany));
    let long = vec![b'a'; MAX_BODY + 1];
    assert_eq!(parse(FORM, &long), Err(Unreadable::TooLong));
    let deep = "{\"a\":".repeat(40);
    assert_eq!(parse(None, deep.as_bytes()), Err(Unreadable::NotJson));
    assert_eq!(
        parse(Some("multipart/form-data"), b"--x"),
        Err(Unreadable::NotMultipart)
    );
}

#[test]
fn a_persons_address_or_a_merge_field_is_no_name_of_an_email() {
    let said = |email: &str, link: &str| {
        let body = form_urlencoded_pairs(&[
            ("id", "4711"),
            ("event", "click"),
            ("email", email),
            ("link", link),
        ]);
        parse(FORM, body.as_bytes())
    };
    assert_eq!(said("jane@example.test", ""), clicked(None, None));
    assert_eq!(said("~Email.Subject~", ""), clicked(None, None));
    assert_eq!(
        said(
            "Welcome\r\n <b>3</b>",
            "https://book.example.test/a?contact=jane#x"
        ),
        clicked(Some("Welcome b 3 /b"), Some("https://book.example.test/a"))
    );
    let long = "w".repeat(200);
    assert_eq!(said(&long, ""), clicked(Some(&long[..80]), None));
}

fn form_urlencoded_pairs(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[test]
fn pairs_may_stand_in_the_query_in_the_body_or_in_both() {
    let query = Some("contactId=4711&event=click");
    let alone = with_query(None, query, Bytes::new());
    assert_eq!(parse(None, &alone), clicked(None, None));
    let both = with_query(FORM, Some("event=click"), Bytes::from("contactId=4711"));
    assert_eq!(parse(FORM, &both), clicked(None, None));
    let json = Bytes::from(r#"{"contactId":4711}"#);
    assert_eq!(with_query(None, Some("event=click"), json.clone()), json);
    assert_eq!(with_query(FORM, None, json.clone()), json);
}

#[test]
fn a_post_is_read_in_the_characters_that_it_names() {
    let expected = clicked(Some("Bienvenue à tous – 3 €"), None);
    let pairs = "contactId=4711&event=email_clicked&email=Bienvenue+";
    let utf8 = format!("{pairs}%C3%A0+tous+%E2%80%93+3+%E2%82%AC");
    let windows = format!("{pairs}%E0+tous+%96+3+%80");
    for (kind, body) in [
        (None, &utf8),
        (FORM, &utf8),
        (
            Some("application/x-www-form-urlencoded; charset=UTF-8"),
            &utf8,
        ),
        (None, &windows),
        (FORM, &windows),
        (
            Some("application/x-www-form-urlencoded; charset=\"ISO-8859-1\""),
            &windows,
        ),
        (
            Some("application/x-www-form-urlencoded;Charset=windows-1252"),
            &windows,
        ),
    ] {
        assert_eq!(parse(kind, body.as_bytes()), expected, "{kind:?} {body}");
    }
    let raw = [pairs.as_bytes(), b"\xe0+tous+\x96+3+\x80"].concat();
    assert_eq!(parse(FORM, &raw), expected, "not even escaped");
    let mut parts = b"--x-1\r\ncontent-disposition: form-data; name=Id\r\n\r\n4711\r\n".to_vec();
    parts.extend(b"--x-1\r\ncontent-disposition: form-data; name=event\r\n\r\nclick\r\n");
    parts.extend(b"--x-1\r\ncontent-disposition: form-data; name=email\r\n");
    parts.extend(b"content-type: text/plain; charset=iso-8859-1\r\n\r\n");
    parts.extend(b"Bienvenue \xe0 tous \x96 3 \x80\r\n--x-1--\r\n");
    assert_eq!(parse(PARTS, &parts), expected);
}

#[test]
fn a_byte_order_mark_before_a_post_says_nothing() {
    let expected = clicked(None, None);
    for body in [
        "\u{feff}contactId=4711&event=click",
        "\u{feff}{\"contactId\": 4711, \"event\": \"click\"}",
    ] {
        for kind in [None, FORM] {
            assert_eq!(parse(kind, body.as_bytes()), expected, "{body}");
        }
    }
}

#[test]
fn the_same_pairs_in_one_minute_are_one_post_whatever_their_form() {
    let key =
        |secret: &str, body: &str, at: Timestamp| dedupe_key(secret, None, body.as_bytes(), at);
    let one = key("a", "contactId=4711&event=email_clicked&email=W", now());
    assert_eq!(one, key("a", "email=W&event=click&Id=4711&more=1", now()));
    assert_eq!(
        one,
        key("a", r#"{"id":"4711","event":"click","email":"W"}"#, now())
    );
    let later = "2026-11-04T17:13:00Z".parse().expect("a valid time");
    for other in [
        key("b", "contactId=4711&event=click&email=W", now()),
        key("a", "contactId=4712&event=click&email=W", now()),
        key("a", "contactId=4711&event=open&email=W", now()),
        key("a", "contactId=4711&event=click&link=W", now()),
        key("a", "contactId=4711&event=click&email=W", later),
        key("a", "unreadable", now()),
        key("a", "unreadable too", now()),
    ] {
        assert_ne!(one, other);
    }
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(
        kind in proptest::option::of("\\PC{0,60}"),
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = parse(kind.as_deref(), &body);
        let _ = parse(PARTS, &body);
        let _ = parse(Some("application/json"), &body);
        let _ = dedupe_key("a", kind.as_deref(), &body, now());
    }

    #[test]
    fn no_multipart_makes_the_reader_panic(text in "(--x-1|--|\r\n|;|=|\"|name|a|content-disposition: form-data; name=id){0,40}") {
        let _ = parse(PARTS, text.as_bytes());
    }

    #[test]
    fn what_is_read_is_short_and_one_line(email in "\\PC{0,200}", link in "\\PC{0,200}") {
        let body = form_urlencoded_pairs(&[
            ("Id", "1"), ("event", "open"), ("email", &email), ("link", &link),
        ]);
        let Ok(PostContent::Event(post)) = parse(FORM, body.as_bytes()) else {
            return Err(TestCaseError::fail("not read"));
        };
        for text in [post.email, post.link].into_iter().flatten() {
            prop_assert!(text.chars().count() <= MAX_LABEL && !text.contains(char::is_control));
            prop_assert!(!text.contains('@') && !text.is_empty());
        }
    }
}
