//! Stories that a visitor makes happen with the page's buttons, read off the page and held
//! against what the vendors accepted.

use relay_core::scripts;

use super::theatre::Theatre;

const JO: [&str; 2] = ["jo", "102"];
const MAYA: [&str; 2] = ["maya", "101"];
const LEE: [&str; 2] = ["lee", "104"];

const DECIDED: &str = "document.querySelector('[data-part=decision]')";
const FIRST_MESSAGE: &str = "document.querySelector('[data-part=message]')";

/// S2 as the clinic wrote it, without its typing marks, filled in.
fn second_script() -> String {
    let text = scripts::shipped("S2.txt").expect("a script");
    let text = text.trim().trim_matches(['“', '”', ' ']);
    text.replace("ENTER DATE", "November 3")
}

#[tokio::test]
async fn jo_gets_an_email_instead_of_a_call_when_she_opens_one_before_the_decision() {
    let mut theatre = Theatre::open(&["jo", "ana"]).await;
    theatre.go_on_until(FIRST_MESSAGE).await;
    theatre
        .press("[aria-label='Jo T.: open newest email']")
        .await;
    theatre.go_on_until(DECIDED).await;

    let visitor = &mut theatre.visitor;
    assert_eq!(
        visitor.text("[data-part=decision]").await,
        "Follow-up by email: opened 1 of the last 3 emails"
    );
    visitor
        .wait("document.querySelector('[data-part=mail-text]')")
        .await;
    assert_eq!(
        visitor.text("[data-part=mail-text]").await,
        second_script(),
        "to the character, and no mark in it"
    );
    assert_eq!(visitor.texts("[data-part=call]").await, [""; 0]);
    theatre
        .go_on_until("document.querySelector('[data-part=tag]')")
        .await;
    assert_eq!(
        theatre.visitor.texts("[data-part=tag]").await,
        ["Follow-up: email"]
    );
    let accepted = theatre.accepted(JO).await;
    let count = |what: &str| accepted.iter().filter(|one| *one == what).count();
    assert_eq!((count("email"), count("call_task")), (1, 0), "{accepted:?}");

    // Ana, in the same clinic at the same time, has opened nothing.
    theatre.choose("ana").await;
    let visitor = &mut theatre.visitor;
    assert_eq!(
        visitor.text("[data-part=decision]").await,
        "Follow-up by phone: last 3 emails unopened"
    );
    assert_eq!(visitor.texts("[data-part=mail-text]").await, [""; 0]);
    let task = visitor.text("[data-part=task]").await;
    assert_eq!(
        task,
        "CALL Ana C.: check-in due Nov 3, last 3 emails unopened"
    );
    let call = visitor.text("[data-part=call]").await;
    assert!(call.starts_with("Beth is asked to call"), "{call}");
    theatre.end().await;
}

#[tokio::test]
async fn mayas_check_in_stops_everything() {
    let mut theatre = Theatre::open(&["maya"]).await;
    theatre.go_on_until(FIRST_MESSAGE).await;
    theatre.press("[aria-label='Maya R.: check in']").await;
    let visitor = &mut theatre.visitor;
    visitor
        .wait("document.querySelector('.standing .pill').textContent === 'closed'")
        .await;
    assert_eq!(
        visitor.text("[data-part=check-in]").await,
        "check-in Nov 3: submitted"
    );
    // On past the day on which she would have been mailed.
    for _ in 0..3 {
        theatre.press("[aria-label='On to the next event']").await;
    }
    let day = theatre.visitor.text(".clock span").await;
    assert!(!day.ends_with("November 4"), "{day}");
    // The note tells staff that it has ended.
    let accepted = theatre.accepted(MAYA).await;
    assert_eq!(accepted, ["portal_message", "contact_note"]);
    assert_eq!(
        theatre.visitor.texts("[data-part=mail-text]").await,
        [""; 0]
    );
    theatre.end().await;
}

#[tokio::test]
async fn what_was_given_up_while_keap_was_down_is_replayed_and_happens_once() {
    let mut theatre = Theatre::open(&["maya"]).await;
    theatre.go_on_until(FIRST_MESSAGE).await;
    theatre.visitor.click("[data-vendor=keap] summary").await;
    theatre.press("[aria-label='Keap: answer 503']").await;
    let trouble = "[data-vendor=keap] [data-part=trouble]";
    assert_eq!(theatre.visitor.text(trouble).await, "Keap answers 503.");
    theatre.visitor.click("[data-vendor=keap] summary").await;
    let replay = "[aria-label='Maya R.: replay what was given up']";
    theatre
        .go_on_until(&format!("document.querySelector(\"{replay}\")"))
        .await;
    let keap = |all: Vec<String>| -> Vec<String> {
        let portal = |one: &String| one.starts_with("portal_");
        all.into_iter().filter(|one| !portal(one)).collect()
    };
    assert_eq!(keap(theatre.accepted(MAYA).await), [""; 0]);

    theatre.visitor.click("[data-vendor=keap] summary").await;
    theatre.press("[aria-label='Keap: heal']").await;
    theatre.visitor.click("[data-vendor=keap] summary").await;
    theatre.press(replay).await;
    theatre
        .go_on_until("document.querySelector('[data-part=tag]')")
        .await;
    let mut accepted = keap(theatre.accepted(MAYA).await);
    accepted.sort();
    let once = ["add_tag", "contact_note", "email"];
    assert_eq!(
        accepted, once,
        "what she gets in a good week, each exactly once"
    );
    assert_eq!(theatre.visitor.texts("[data-part=failing]").await, [""; 0]);
    theatre.end().await;
}

#[tokio::test]
async fn what_keap_did_and_never_answered_is_found_and_not_done_again() {
    let mut theatre = Theatre::open(&["jo"]).await;
    theatre.go_on_until(FIRST_MESSAGE).await;
    theatre.visitor.click("[data-vendor=keap] summary").await;
    theatre
        .press("[aria-label='Keap: hang after the work']")
        .await;
    theatre.visitor.click("[data-vendor=keap] summary").await;
    theatre
        .go_on_until("document.querySelector('[data-part=tag]')")
        .await;
    theatre
        .go_on_until("document.querySelector('[data-work=\"call outcome\"]')")
        .await;
    let accepted = theatre.accepted(JO).await;
    let calls = accepted.iter().filter(|one| *one == "call_task").count();
    assert_eq!(calls, 1, "{accepted:?}");
    assert_eq!(theatre.visitor.texts("[data-part=task]").await.len(), 1);
    theatre.end().await;
}

#[tokio::test]
async fn ana_never_answers_and_her_coach_is_asked_to_go_on_by_hand_with_the_text_ready() {
    let mut theatre = Theatre::open(&["ana"]).await;
    theatre
        .go_on_until("document.querySelector('[data-part=task]')")
        .await;
    theatre
        .visitor
        .click("[aria-label='Ana C.: complete the call…']")
        .await;
    theatre
        .visitor
        .eval("document.querySelector('#dialog-field').value = 'no answer'")
        .await;
    theatre.press("dialog button.main").await;
    theatre
        .visitor
        .wait("document.querySelector('[data-part=call]').textContent.includes('no answer')")
        .await;
    theatre
        .go_on_until("document.querySelector('[data-work=\"by hand\"]')")
        .await;
    let ready = theatre.visitor.text("[data-part=ready]").await;
    assert!(ready.starts_with("Hi Ana, this is Beth at Natural Acne Clinic."));
    let answers = "[aria-label='Ana C.: answer her task…']";
    theatre
        .go_on_until(&format!("document.querySelector(\"{answers}\")"))
        .await;
    // Being asked is no call.
    assert_eq!(theatre.visitor.texts("[data-part=call]").await.len(), 1);
    theatre.visitor.click(answers).await;
    let offered = theatre.visitor.text("dialog ul").await;
    assert!(offered.contains("done: you have done it yourself"));
    theatre
        .visitor
        .eval("document.querySelector('#dialog-field').value = 'done'")
        .await;
    theatre.press("dialog button.main").await;
    theatre
        .go_on_until("!document.querySelector('[data-part=ready]')")
        .await;
    theatre.end().await;
}

#[tokio::test]
async fn lee_moves_to_the_clinic_and_billing_is_touched_only_after_the_plan_was_seen() {
    let mut theatre = Theatre::open(&["lee"]).await;
    theatre
        .press("[aria-label='Lee N.: set contact type to in-person']")
        .await;
    theatre
        .visitor
        .wait("document.querySelector('[data-part=type]').textContent.endsWith('In-Person')")
        .await;
    let stop = "[aria-label='Lee N.: stop the coaching fee…']";
    theatre.visitor.click(stop).await;
    theatre
        .visitor
        .wait("document.querySelector('dialog[open] li')")
        .await;
    let plan = theatre.visitor.texts("dialog li").await;
    assert!(
        plan.iter().any(|line| line == "Will do: auto charge off"),
        "{plan:?}"
    );
    theatre.visitor.click("dialog button[value=no]").await;
    assert_eq!(theatre.accepted(LEE).await, ["contact_type"]);

    theatre.visitor.click(stop).await;
    theatre
        .visitor
        .wait("document.querySelector('dialog[open] li')")
        .await;
    theatre.press("dialog button.main").await;
    theatre
        .go_on_until("document.querySelector('[data-part=card]').dataset.state === 'inactive'")
        .await;
    assert_eq!(
        theatre.visitor.text("[data-part=subscription]").await,
        "inactive, off auto-charge"
    );
    assert_eq!(
        theatre.accepted(LEE).await,
        [
            "contact_type",
            "auto_charge_off",
            "deactivate_subscription",
            "remove_card"
        ]
    );
    theatre.end().await;
}

#[tokio::test]
async fn beginning_anew_forgets_what_was() {
    let mut theatre = Theatre::open(&["maya"]).await;
    theatre.go_on_until(FIRST_MESSAGE).await;
    theatre.press("[aria-label='Maya R.: check in']").await;
    theatre
        .visitor
        .wait("document.querySelector('.yours')")
        .await;
    theatre.press("[aria-label='Begin anew']").await;
    let visitor = &mut theatre.visitor;
    visitor.wait("!document.querySelector('.yours')").await;
    assert_eq!(
        visitor.text("[data-part=check-in]").await,
        "check-in Nov 3: not due yet"
    );
    assert_eq!(visitor.texts("[data-part=message]").await, [""; 0]);
    assert_eq!(theatre.accepted(MAYA).await, [""; 0]);
    theatre.end().await;
}
