//! What a coach is asked stands in the list of work, whole: she has nothing else.

use clear_relay::cli::{CliError, DryRun, Output, cases, clients, keap, work};
use clear_relay::engine::commands::time_off::{self, Asked};
use clear_relay::engine::commands::work::settle_work;
use clear_relay::sandbox::cast::{Cast, instant};
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use relay_core::calendar::Calendar;
use relay_core::ids::ClientId;
use relay_store::{Page, WorkItem};
use serde_json::json;
use tempfile::TempDir;

use crate::support::invariants::assert_invariants;
use crate::support::tools::Tools as _;

const ALL: Page = Page {
    offset: 0,
    limit: 1_000,
};

/// The cast's clinic with some of its clients, none of whose acts happen.
struct Portal {
    world: World,
    _folder: TempDir,
}

impl Portal {
    async fn with(clients: &[&str]) -> Self {
        Self::with_changed(clients, |_| ()).await
    }

    async fn with_changed(clients: &[&str], change: impl Fn(&mut Cast)) -> Self {
        let mut cast = Cast::shipped("portal").expect("a cast");
        change(&mut cast);
        let cast = cast.only(|client| clients.contains(&client.id.as_str()));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let zone = Calendar::default_denver().zone().clone();
        let mut setup = Setup::new(cast.start(&zone), 7);
        setup.has_crm = cast.has_crm;
        setup.amend = |text| {
            let page = "client_page = \"https://portal.example.test/clients/\"";
            text.replace("[people]", &format!("[people]\n{page}"))
        };
        let world = World::new(setup, &path).await.expect("a clinic");
        stage::set(&cast, &world.vendors, &zone).expect("a stage");
        Self {
            world,
            _folder: folder,
        }
    }

    async fn until(&self, local: &str) {
        let end = instant(local.parse().expect("a time"), self.world.zone());
        self.world.run_until(end).await.expect("a run");
    }

    async fn work(&self) -> Vec<WorkItem> {
        let open = self.world.store().open_work(None, ALL).await;
        open.expect("items")
    }

    async fn item(&self, kind: &str) -> WorkItem {
        let open = self.work().await;
        let kinds: Vec<_> = open.iter().map(|item| item.kind.clone()).collect();
        let mut found = open.into_iter().filter(|item| item.kind == kind);
        found
            .next()
            .unwrap_or_else(|| panic!("no {kind} in {kinds:?}"))
    }

    /// As `work show` prints it.
    async fn shown(&self, item: &WorkItem) -> String {
        let mut bytes = Vec::new();
        let store = self.world.store().as_ref();
        work::show(store, item.id, &mut Output::new(&mut bytes, false))
            .await
            .expect("shown");
        String::from_utf8(bytes).expect("text")
    }

    async fn done(&self, item: &WorkItem, action: &str, text: Option<&str>) {
        let engine = &self.world.relay.engine;
        settle_work(engine, item.id, "Beth", action, text)
            .await
            .expect("settled");
        self.world.settle().await.expect("a run");
    }
}

#[tokio::test]
async fn the_call_is_asked_for_with_reason_number_words_page_and_how_to_answer() {
    let portal = Portal::with(&["pia"]).await;
    portal.until("2026-11-06 09:30").await;
    let item = portal.item("call_outcome").await;
    assert_eq!(item.owner, "coach_beth");
    let shown = portal.shown(&item).await;
    for words in [
        "CALL Pia L.: check-in due November 3",
        "follow up: nobody tells the relay which of the clinic's emails she opened",
        "number: 303-555-0801",
        "page: https://portal.example.test/clients/pia",
        "Hi Pia, this is Beth. How are you doing today?",
        "to a voicemail, say your name and number only",
        "what: the first message in the portal",
        "window: three-week window ends November 10",
        "--action call_outcome --with OUTCOME --by NAME",
        "--action close",
    ] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    for word in ["CRM", "Keap", "keap", "contact:"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
    // Her coach does not answer: reminded on Monday, the manager from Tuesday on (A8).
    portal.until("2026-11-10 09:30").await;
    let late = portal.item("call_outcome").await;
    assert_eq!((late.id, late.owner.as_str()), (item.id, "program_manager"));
    assert_invariants(portal.world.store().as_ref(), portal.world.now()).await;
}

#[tokio::test]
async fn the_email_is_asked_for_with_address_subject_and_words_and_her_word_starts_the_wait() {
    let portal = Portal::with(&["nora"]).await;
    portal.until("2026-11-06 09:30").await;
    let item = portal.item("send_by_hand").await;
    let shown = portal.shown(&item).await;
    for words in [
        "Nora L.: send her the follow-up email (check-in due November 3)",
        "address: nora@example.test",
        "subject: Your check-in was due November 3",
        "It was due, November 3. It’s important that we change your regimen",
        "no number to call: an email instead",
        "page: https://portal.example.test/clients/nora",
        "--action done_by_hand --by NAME",
    ] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    portal.done(&item, "done_by_hand", None).await;
    portal.until("2026-11-09 09:30").await;
    let shown = portal.shown(&portal.item("by_hand").await).await;
    for words in [
        "address: nora@example.test",
        "page: https://portal",
        "withheld: it says what is not so here (",
    ] {
        assert!(shown.contains(words), "{words} is not in {shown}");
    }
    // Nobody called her, and an email is no text.
    assert!(!shown.contains("Hi Nora, this is Beth"), "{shown}");
    assert_eq!(portal.work().await.len(), 1);
}

#[tokio::test]
async fn whom_nobody_can_reach_is_held_until_her_coach_says_how_it_goes_on() {
    let portal = Portal::with_changed(&["nora"], |cast| {
        for client in &mut cast.clients {
            client.portal_email = Some(String::new());
        }
    })
    .await;
    portal.until("2026-11-06 09:30").await;
    let item = portal.item("hold").await;
    let why = "neither email nor phone is possible: no phone number and no email address of hers is on file";
    assert!(item.title.ends_with(why), "{}", item.title);
    let shown = portal.shown(&item).await;
    for word in ["CRM", "Keap", "link"] {
        assert!(!shown.contains(word), "{word} in {shown}");
    }
    assert_eq!(portal.work().await.len(), 1);
}

#[tokio::test]
async fn the_decision_is_stored_with_its_reason_and_recomputes_bit_for_bit() {
    let portal = Portal::with(&["pia"]).await;
    portal.until("2026-11-06 09:30").await;
    let client = ClientId::from("pia");
    let store = portal.world.store();
    let open = store.open_cases(&client).await.expect("cases");
    let history = store.timeline(open[0].id).await.expect("a history");
    let decided = history.iter().find_map(|line| line.detail.as_ref());
    let decided = decided.expect("a decision");
    let stored: relay_core::channel::ChannelDecision =
        serde_json::from_value(decided["decision"].clone()).expect("a decision");
    let evidence = serde_json::from_value(decided["evidence"].clone()).expect("evidence");
    assert_eq!(stored.recompute(&evidence).as_ref(), Some(&stored));
    assert_eq!(stored.channel.as_str(), "phone");
    let mut bytes = Vec::new();
    let out = &mut Output::new(&mut bytes, false);
    cases::explain(store.as_ref(), open[0].id, out)
        .await
        .expect("explained");
    let explained = String::from_utf8(bytes).expect("text");
    assert!(
        explained.contains("on what the portal has on file"),
        "{explained}"
    );
    for word in ["the CRM", "Emails since", "link"] {
        assert!(!explained.contains(word), "{word} in {explained}");
    }
}

#[tokio::test]
async fn what_needs_the_crm_is_refused_with_what_to_do_instead() {
    let portal = Portal::with(&["pia"]).await;
    portal.until("2026-11-06 09:30").await;
    let engine = &portal.world.relay.engine;
    let mut bytes = Vec::new();
    let out = &mut Output::new(&mut bytes, false);
    let by = || clear_relay::cli::By {
        by: "Robin".to_owned(),
    };
    let dry_run = || DryRun { dry_run: false };
    let stop = keap::CancelSubscriptionArgs {
        client: "pia".into(),
        by: by(),
        reason: "she left".to_owned(),
        yes: true,
        dry_run: dry_run(),
    };
    let kept = relay_core::effects::CardRemoval::Keep;
    let stopped = keap::cancel_subscription(engine, kept, &stop, out).await;
    let set = keap::SetContactTypeArgs {
        client: "pia".into(),
        value: "In-Person".to_owned(),
        by: by(),
        dry_run: dry_run(),
    };
    let set = keap::set_contact_type(engine, &set, out).await;
    for refused in [stopped, set] {
        let error = refused.expect_err("refused");
        assert!(matches!(error, CliError::Usage(_)), "{error}");
        let words = error.to_string();
        assert!(words.contains("keap.mode = \"on\""), "{words}");
        assert!(words.contains("by hand"), "{words}");
    }
    let link = clients::LinkArgs {
        client: "pia".into(),
        contact: "801".into(),
        by: by(),
        dry_run: dry_run(),
    };
    let error = clients::link(engine, &link, out)
        .await
        .expect_err("refused");
    assert!(
        error.to_string().contains("no CRM is switched on"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_ends_says_where_the_fee_is_stopped() {
    let portal = Portal::with(&["pia"]).await;
    portal.until("2026-11-06 09:30").await;
    let vendors = &portal.world.vendors;
    let ended = json!({ "act": "change_status", "client": "pia", "status": "quit" });
    vendors.act("portal", ended).expect("an act");
    portal.until("2026-11-06 12:00").await;
    let item = portal.item("fee").await;
    let remedy = item.detail["remedy"].as_str().expect("what to do");
    assert!(
        remedy.contains("stop the fee by hand where the clinic bills it (SOP-2155)"),
        "{remedy}"
    );
    assert!(!remedy.contains("cancel-subscription"), "{remedy}");
    assert_eq!(portal.work().await.len(), 1);
}

#[tokio::test]
async fn nothing_makes_a_noise_in_a_month() {
    let portal = Portal::with(&["pia", "rosa", "nora", "wren", "tove", "zoe"]).await;
    portal.until("2026-12-05 12:00").await;
    let open = portal.work().await;
    let known = ["call_outcome", "send_by_hand"];
    let strange: Vec<_> = open
        .iter()
        .filter(|item| !known.contains(&item.kind.as_str()))
        .map(|item| (&item.kind, &item.title))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    let store = portal.world.store();
    let filter = relay_store::JobFilter {
        states: vec![relay_store::JobState::Dead],
        ..relay_store::JobFilter::default()
    };
    let dead = store.jobs(&filter, ALL).await.expect("jobs");
    assert!(dead.is_empty(), "{dead:?}");
    assert_invariants(store.as_ref(), portal.world.now()).await;
}

#[tokio::test]
async fn a25_what_is_asked_by_hand_has_the_name_of_who_acts_and_of_her_again_after_it() {
    let portal = Portal::with(&["pia"]).await;
    let ivy = json!({ "act": "add_coach", "id": "coach_ivy", "name": "Ivy",
        "email": "ivy@clinic.example.test" });
    portal.world.vendors.portal().act(ivy).expect("a coach");
    portal.until("2026-11-06 09:30").await;
    let away = Asked {
        coach: "coach_beth".into(),
        from: Some("2026-11-09".parse().expect("a date")),
        until: "2026-11-09".parse().expect("a date"),
        deputy: Some("coach_ivy".into()),
    };
    let engine = &portal.world.relay.engine;
    time_off::away(engine, &away, "Robin")
        .await
        .expect("entered");
    let mut said = Vec::new();
    for morning in ["2026-11-06 12:00", "2026-11-09 09:30", "2026-11-10 09:30"] {
        portal.until(morning).await;
        let item = portal.item("call_outcome").await;
        let text = item.detail["ready"]["text"].to_string();
        let name = ["Beth", "Ivy"].map(|name| text.contains(&format!("this is {name}.")));
        said.push(name);
    }
    assert_eq!(said, [[true, false], [false, true], [true, false]]);
    let item = portal.item("call_outcome").await;
    portal.done(&item, "call_outcome", Some("voicemail")).await;
    assert_invariants(portal.world.store().as_ref(), portal.world.now()).await;
}
