//! An id that is known in upper case and told in lower case, or between blanks.

use serde_json::json;

use super::Listed;
use super::age::mara;

#[tokio::test]
async fn blanks_around_an_id_are_none_of_it() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-04 07:00").await;
    let line = mara("online", "2026-11-03", "yes").replacen("mara,", "\" mara\t\",", 1);
    let line = line.replacen("ci_mara", " ci_mara ", 1);
    let told = listed.command(&[line], &[]).await.expect("taken in");
    assert_eq!(told["learned"]["submitted"], 1, "{told}");
    assert!(listed.check_in().await.1);
    listed.list(json!({ "act": "raise", "rows": [
        { "client": "mara ", "check_in": "ci_mara", "due": "2026-11-05" }] }));
    listed.until("2026-11-04 08:00").await;
    assert_eq!(listed.check_in().await, ("2026-11-05".to_owned(), false));
}

#[tokio::test]
async fn a_file_with_a_known_id_in_another_spelling_is_refused_with_both() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-04 07:00").await;
    let line = mara("online", "2026-11-03", "yes");
    for (other, told) in [
        (
            line.replacen("mara,", "Mara,", 1),
            "`client` Mara is known as mara",
        ),
        (
            line.replacen("ci_mara", "CI_mara", 1),
            "`check_in` CI_mara is known as ci_mara",
        ),
    ] {
        for more in [&["--dry-run"][..], &["--as-of", "now"], &[]] {
            let refused = listed.command(std::slice::from_ref(&other), more).await;
            let refused = refused.expect_err("refused").to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }
    assert!(!listed.check_in().await.1);
    // And two spellings in one file.
    let other = "ines,,,,,,,,2026-11-20,,".to_owned();
    let lines = [other.clone(), other.replacen("ines", "Ines", 1)];
    let refused = listed.command(&lines, &[]).await;
    let refused = refused.expect_err("refused").to_string();
    assert!(refused.contains("line 3, column client"), "{refused}");
}

/// She who is known is left alone, whoever is meant, and an admin is told.
#[tokio::test]
async fn a_delivery_with_a_known_id_in_another_spelling_keeps_what_would_be_said_and_is_told() {
    for row in [
        json!({ "client": "MARA", "check_in": "ci_mara", "due": "2026-11-03", "submitted": true }),
        json!({ "client": "mara", "check_in": "CI_MARA", "due": "2026-11-03", "submitted": true }),
    ] {
        let listed = Listed::with_mara().await;
        listed.daily.set(false);
        listed.until("2026-11-04 05:00").await;
        listed.list(json!({ "act": "raise", "rows": [row] }));
        listed.until("2026-11-04 18:00").await;
        assert!(listed.written().is_empty(), "{:?}", listed.written());
        assert!(listed.facts("MARA").await.is_empty());
        let items = listed.items("receipt").await;
        assert_eq!(items.len(), 1, "{items:?}");
        let reason = items[0].detail["reason"].as_str().expect("a reason");
        assert!(
            reason.to_lowercase().contains("mara is known as"),
            "{reason}"
        );
        // Spelt right, it counts.
        listed.list(json!({ "act": "send_all" }));
        listed.until("2026-11-05 12:00").await;
        assert_eq!(listed.written(), ["work_task"]);
    }
}
