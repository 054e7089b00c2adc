//! The page's manners: it fits wide and narrow, can be used without a mouse and without eyes.

use serde_json::json;

use super::theatre::Theatre;

/// What sticks out of the window to the right, or of its panel.
const STICKS_OUT: &str = "(() => {
    const wide = document.documentElement.clientWidth;
    const scrolls = document.documentElement.scrollWidth > wide ? ['the page scrolls sideways'] : [];
    const panels = [...document.querySelectorAll('article, .panel, .case, .work, .group')];
    const out = panels.filter((one) => one.scrollWidth > one.clientWidth + 1 || one.getBoundingClientRect().right > wide + 1);
    return [...scrolls, ...out.map((one) => one.className)];
})()";

#[tokio::test]
async fn nothing_sticks_out_at_either_width_at_the_beginning_and_after_the_decision() {
    let mut theatre = Theatre::open(&["maya", "jo", "ana", "lee"]).await;
    for decided in [false, true] {
        if decided {
            theatre.choose("maya").await;
            theatre
                .go_on_until("document.querySelector('[data-part=decision]')")
                .await;
        }
        for (width, height) in [(1440, 900), (390, 844), (800, 1000)] {
            theatre.visitor.resize(width, height).await;
            for id in ["maya", "jo", "lee"] {
                theatre.choose(id).await;
                let out = theatre.visitor.eval(STICKS_OUT).await;
                assert_eq!(out, json!([]), "{id} at {width}, decided: {decided}");
            }
        }
    }
    theatre.visitor.resize(1440, 900).await;
    theatre.visitor.click(".card.all").await;
    theatre
        .visitor
        .wait("document.querySelectorAll('article').length === 4")
        .await;
    assert_eq!(theatre.visitor.eval(STICKS_OUT).await, json!([]));
    theatre.end().await;
}

#[tokio::test]
async fn every_button_has_a_name_of_its_own_for_who_does_not_see_it() {
    let mut theatre = Theatre::open(&["maya", "jo", "ana", "lee"]).await;
    theatre
        .go_on_until("document.querySelector('[data-part=decision]')")
        .await;
    theatre.visitor.click(".card.all").await;
    theatre
        .visitor
        .wait("document.querySelectorAll('article').length === 4")
        .await;
    let tree = theatre
        .visitor
        .call("Accessibility.getFullAXTree", json!({}))
        .await;
    let nodes = tree["nodes"].as_array().expect("a tree");
    let mut names: Vec<&str> = nodes
        .iter()
        .filter(|node| node["role"]["value"] == "button")
        .map(|node| node["name"]["value"].as_str().unwrap_or_default().trim())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all, "two buttons have one name: {names:?}");
    theatre.end().await;
}

#[tokio::test]
async fn somebody_can_be_chosen_with_the_keyboard_alone() {
    let mut theatre = Theatre::open(&["maya", "jo"]).await;
    let visitor = &mut theatre.visitor;
    let on_jo = "document.activeElement?.dataset?.person === 'jo'";
    for _ in 0..40 {
        if visitor.is(on_jo).await {
            break;
        }
        visitor.key("Tab", 9, "").await;
    }
    assert!(visitor.is(on_jo).await, "the keyboard does not get there");
    visitor.key("Enter", 13, "\r").await;
    visitor
        .wait("document.querySelector('article[data-person=jo]')")
        .await;
    assert!(visitor.is(on_jo).await, "the focus stays where it was");
    theatre.end().await;
}

#[tokio::test]
async fn a_stream_that_breaks_is_connected_anew() {
    let mut theatre = Theatre::open_over_a_bad_line(&["maya"]).await;
    theatre
        .go_on_until("document.querySelector('[data-part=message]')")
        .await;
    theatre.end().await;
}

#[tokio::test]
async fn a_page_that_can_have_no_stream_asks_again_and_again() {
    let mut theatre = Theatre::open(&["maya"]).await;
    let none = json!({ "source": "delete window.EventSource" });
    let visitor = &mut theatre.visitor;
    visitor
        .call("Page.addScriptToEvaluateOnNewDocument", none)
        .await;
    visitor.call("Page.reload", json!({})).await;
    visitor
        .wait("!window.EventSource && document.querySelector('article')")
        .await;
    theatre
        .go_on_until("document.querySelector('[data-part=message]')")
        .await;
    theatre.end().await;
}

#[tokio::test]
async fn a_clinic_with_a_list_of_its_own_has_that_in_place_of_the_portal() {
    let mut theatre = Theatre::open_of("list", &["cora"]).await;
    let visitor = &mut theatre.visitor;
    visitor
        .wait("document.querySelector('article[data-person=cora]')")
        .await;
    let panels = "[...document.querySelectorAll('article [data-panel] h3 span')].map((one) => one.textContent).join()";
    assert_eq!(
        visitor.eval(panels).await,
        "Clear Relay,Check-in list,Keap,Her phone,Her mailbox"
    );
    assert_eq!(
        visitor.texts("[data-vendor] summary b").await,
        ["Check-in list", "Keap"]
    );
    theatre.press("[aria-label='Cora H.: check in']").await;
    theatre
        .visitor
        .wait("document.querySelector('[data-part=check-in][data-state=submitted]')")
        .await;
    theatre.end().await;
}

#[tokio::test]
async fn a_clinic_with_keap_alone_has_no_other_tool_on_the_page() {
    let mut theatre = Theatre::open_of("crm", &["keap-701"]).await;
    let visitor = &mut theatre.visitor;
    visitor.wait("document.querySelector('article')").await;
    let panels = "[...document.querySelectorAll('article [data-panel] h3 span')].map((one) => one.textContent).join()";
    assert_eq!(
        visitor.eval(panels).await,
        "Clear Relay,Keap,Her phone,Her mailbox"
    );
    assert_eq!(visitor.texts("[data-vendor] summary b").await, ["Keap"]);
    theatre.end().await;
}
