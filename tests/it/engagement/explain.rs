//! What `cases explain` shows of it.

use clear_relay::cli::{Output, cases};

use super::*;

pub(super) async fn explained(clinic: &Clinic, who: &Person, json: bool) -> String {
    let case = clinic.case(who).await;
    let mut bytes = Vec::new();
    let mut out = Output::new(&mut bytes, json);
    out.set_zone(clinic.world.zone().clone());
    cases::explain(clinic.store().as_ref(), case.id, &mut out)
        .await
        .expect("shown");
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_case_is_explained_with_every_open_and_click_and_who_told_it() {
    let jo = Person::jo();
    let clinic = Clinic::with(std::slice::from_ref(&jo)).await;
    clinic.until("2026-11-05 11:12").await;
    clinic.keap(json!({ "act": "open_email", "contact": 202 }));
    automation(
        &clinic,
        &jo,
        &[("event", "email_opened"), ("email", "News")],
    )
    .await;
    automation(&clinic, &jo, &[("event", "email_clicked")]).await;
    let before = explained(&clinic, &jo, false).await;
    let posted = "2026-11-05 11:12  open \"News\" (told by post)";
    assert!(
        before.contains(posted),
        "linked since the opening: {before}"
    );
    clinic.until("2026-11-06 12:00").await;
    let text = explained(&clinic, &jo, false).await;
    let lines = "\nOpens and clicks\n\
                 2026-11-05 11:12  open \"News\" (told by post, history)\n\
                 about 2026-11-05 11:12  click \"an email\" (told by post)\n";
    assert!(text.contains(lines), "{text}");
    for sentence in [
        "Decided 2026-11-",
        "By the rule in force",
        "It would have been otherwise: ",
    ] {
        assert!(text.contains(sentence), "{sentence}: {text}");
    }
    let json = ['{', '}'];
    assert!(!text.contains(json), "a person reads no JSON: {text}");
    let json: serde_json::Value =
        serde_json::from_str(&explained(&clinic, &jo, true).await).expect("one document");
    assert_eq!(json["engagement"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["engagement"][0]["confirmed"], "history");
}
