//! A clinic whose own list tells who is expected: its webhooks, its files, its silence. What follows from
//! them is in the cast `list` (`demo.rs`).

mod age;
mod at_once;
mod moved;
mod spelling;

use clear_relay::config::{Config, Variables};
use clear_relay::engine::commands::import;
use clear_relay::sandbox::cast::{Cast, instant};
use clear_relay::sandbox::stage;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::check_ins::import::{ListFile, list_file};
use relay_core::calendar::Calendar;
use relay_core::facts::FactBody;
use relay_core::ids::ClientId;
use relay_store::{FactRow, Page, ReceiptState, WorkItem};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fmt::Write as _;
use std::path::Path;
use tempfile::TempDir;

const ALL: Page = Page {
    offset: 0,
    limit: 1_000,
};

/// A clinic with a list, in which Mara is expected on Tuesday.
struct Listed {
    world: World,
    /// Whether the whole list is sent every morning at six.
    daily: Cell<bool>,
    folder: TempDir,
}

impl Listed {
    async fn with_mara() -> Self {
        Self::with("list", "mara").await
    }

    /// One client of a cast whose list tells who is expected.
    async fn with(cast: &str, id: &str) -> Self {
        let cast = Cast::shipped(cast).expect("a cast");
        let cast = cast.only(|client| client.id == id);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.sqlite");
        let zone = Calendar::default_denver().zone().clone();
        let mut setup = Setup::new(cast.start(&zone), 7);
        setup.told_by = cast.told_by;
        setup.has_crm = cast.has_crm;
        setup.coaches.clone_from(&cast.coaches);
        let world = World::new(setup, &path).await.expect("a clinic");
        stage::set(&cast, &world.vendors, &zone).expect("a stage");
        Self {
            world,
            daily: Cell::new(true),
            folder,
        }
    }

    async fn until(&self, local: &str) {
        let zone = self.world.zone();
        let end = instant(local.parse().expect("a time"), zone);
        while self.daily.get() {
            let now = zone.to_datetime(self.world.now());
            let six = now.date().at(6, 0, 0, 0);
            let next = if now < six {
                six
            } else {
                six.tomorrow().expect("a day")
            };
            let next = instant(next, zone);
            if next > end {
                break;
            }
            self.world.run_until(next).await.expect("a run");
            self.list(json!({ "act": "send_all" }));
        }
        self.world.run_until(end).await.expect("a run");
    }

    fn list(&self, what: Value) {
        let done = self.world.vendors.act("check-ins", what);
        done.expect("an act of the list");
    }

    async fn facts(&self, client: &str) -> Vec<FactRow> {
        let client = ClientId::from(client);
        self.world.store().facts(&client).await.expect("facts")
    }

    async fn items(&self, kind: &str) -> Vec<WorkItem> {
        let open = self.world.store().open_work(None, ALL).await;
        let mut open = open.expect("items");
        open.retain(|item| item.kind == kind);
        open
    }

    /// What was written, to anybody.
    fn written(&self) -> Vec<String> {
        let accepted = self.world.vendors.accepted().into_iter();
        let operations = accepted.map(|entry| entry.operation);
        operations.filter(|what| what != "create_hook").collect()
    }

    async fn import(&self, file: &ListFile) -> import::Learned {
        let engine = &self.world.relay.engine;
        let would = import::would_teach(engine, file.source, &file.bodies).await;
        let learned = import::import(engine, file.source, &file.bodies, "Robin").await;
        let learned = learned.expect("an import");
        assert_eq!(would.expect("a dry run"), learned);
        learned
    }
}

fn is_due(row: &FactRow) -> bool {
    matches!(row.fact.body, FactBody::CheckInDue { .. })
}

#[tokio::test]
async fn the_same_list_every_day_is_no_news() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-02 09:00").await;
    let known = listed.facts("mara").await.len();
    assert!(known > 0, "she was told");
    listed.until("2026-11-03 23:00").await;
    assert_eq!(listed.facts("mara").await.len(), known);
    // What the relay reads of her again for its open case is no news either.
    listed.until("2026-11-08 23:00").await;
    let hers = listed.facts("mara").await;
    let again = hers
        .iter()
        .filter(|row| row.fact.kind() == "client_updated");
    assert_eq!(again.count(), 1);
    // Another day is news, and so is the first again.
    for due in ["2026-11-12", "2026-11-03"] {
        listed.list(json!({ "act": "reschedule", "check_in": "ci_mara", "due": due }));
        let soon = listed.world.now() + relay_core::time::SignedDuration::from_mins(5);
        listed.world.run_until(soon).await.expect("a run");
    }
    let told = listed.facts("mara").await;
    assert_eq!(told.iter().filter(|row| is_due(row)).count(), 3);
}

/// "An unreadable row stops that client and tells": she may have checked in.
#[tokio::test]
async fn nothing_is_said_to_whom_a_row_is_about_that_cant_be_read_until_one_can() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-04 11:00").await;
    let done = json!({ "act": "complete_task", "contact": 601, "text": "Answer: done" });
    listed.world.vendors.act("keap", done).expect("an answer");
    listed.until("2026-11-06 08:00").await;
    listed.daily.set(false);
    listed.list(json!({ "act": "raise", "rows": [
        { "client": "mara", "check_in": "ci_mara", "due": "2026-11-03", "submitted": "03.11." },
    ] }));
    listed.until("2026-11-06 14:00").await;
    let written = listed.written();
    assert!(!written.contains(&"email".to_owned()), "{written:?}");
    assert_eq!(listed.items("receipt").await.len(), 1);
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-06 17:00").await;
    let written = listed.written();
    assert!(written.contains(&"email".to_owned()), "{written:?}");
}

/// The latest word counts: what was told as submitted by mistake, or withdrawn for a while, is expected again.
#[tokio::test]
async fn a_check_in_that_was_told_as_over_by_mistake_is_expected_again() {
    for over in ["submitted", "withdrawn"] {
        let listed = Listed::with_mara().await;
        listed.daily.set(false);
        listed.until("2026-11-03 08:00").await;
        let head = "client,check_in,due,submitted,withdrawn";
        let (submitted, withdrawn) = match over {
            "submitted" => ("yes", ""),
            _ => ("", "yes"),
        };
        let ended = format!("{head}\nmara,ci_mara,2026-11-03,{submitted},{withdrawn}\n");
        let ended = list_file(ended.as_bytes()).expect("a file");
        listed.import(&ended).await;
        assert_eq!(
            listed.import(&ended).await,
            import::Learned {
                clients: 1,
                ..Default::default()
            }
        );
        listed.until("2026-11-04 05:00").await;
        let open = format!("{head}\nmara,ci_mara,2026-11-03,,\n");
        let open = list_file(open.as_bytes()).expect("a file");
        assert_eq!(listed.import(&open).await.check_ins, 1, "{over}");
        listed.until("2026-11-04 12:00").await;
        assert_eq!(listed.written(), ["work_task"], "{over}");
    }
}

/// E34: a word of yesterday that comes late changes nothing of what was told since.
#[tokio::test]
async fn what_was_told_since_outlasts_what_comes_late() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-05 12:00").await;
    listed.list(json!({ "act": "change_status", "client": "mara", "status": "quit" }));
    listed.until("2026-11-05 13:00").await;
    let early = json!({ "made_at": "2026-11-05T08:00:00-07:00", "rows": [
        { "client": "mara", "first_name": "Mara", "coach": "coach_beth", "email": "mara@example.test" }] });
    let body = early.to_string().into_bytes();
    let engine = &listed.world.relay.engine;
    let taken = import::import(engine, "check-ins", &[body], "Robin").await;
    taken.expect("an import");
    let portal = &listed.world.relay.engine.ports.portal;
    let mara = portal.client(&"mara".into()).await.expect("a read");
    assert_eq!(mara.expect("known").status.as_str(), "quit");
}

/// Nobody is chased on a list that can't know: neither before it was told after her day, nor once it is old.
#[tokio::test]
async fn what_the_list_cant_know_yet_stops_what_would_be_said() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-04 18:00").await;
    assert!(
        listed.written().is_empty(),
        "it was told on Monday: {:?}",
        listed.written()
    );
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-05 11:00").await;
    assert_eq!(
        listed.written(),
        ["work_task"],
        "asked in the morning after"
    );
    let done = json!({ "act": "complete_task", "contact": 601, "text": "Answer: done" });
    listed.world.vendors.act("keap", done).expect("an answer");
    listed.until("2026-11-09 18:00").await;
    let written = listed.written();
    assert!(!written.contains(&"email".to_owned()), "{written:?}");
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-10 12:00").await;
    assert!(listed.written().contains(&"email".to_owned()));
}

#[tokio::test]
async fn a_check_in_that_is_told_in_time_stops_the_email() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-04 11:00").await;
    let done = json!({ "act": "complete_task", "contact": 601, "text": "Answer: done" });
    listed.world.vendors.act("keap", done).expect("an answer");
    listed.until("2026-11-06 10:00").await;
    listed.list(json!({ "act": "check_in", "client": "mara" }));
    listed.until("2026-11-10 18:00").await;
    let written = listed.written();
    assert!(!written.contains(&"email".to_owned()), "{written:?}");
}

/// E36: one row that can't be read stops nobody else.
#[tokio::test]
async fn a_row_that_cant_be_read_is_told_and_the_others_count() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-03 20:00").await;
    listed.list(json!({ "act": "raise", "rows": [
        { "client": "mara", "check_in": "ci_mara", "due": "2026-11-03", "submitted": true },
        { "client": "nobody@example.test", "due": "2026-11-03" },
        { "client": "otto", "due": "2026-11-03" },
        { "client": "otto", "due": "2026-11-03", "submitted": true },
    ] }));
    listed.daily.set(false);
    listed.until("2026-11-04 05:00").await;
    // The list is told after her day, and says nothing of her.
    listed.list(json!({ "act": "raise", "rows": [{ "client": "zoe" }] }));
    listed.until("2026-11-04 12:00").await;
    assert!(listed.written().is_empty(), "she had checked in");
    assert!(listed.facts("otto").await.is_empty(), "which is right?");
    let item = &listed.items("receipt").await[0];
    let reason = item.detail["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("row 2") && reason.contains("`client`"),
        "{reason}"
    );
    assert!(!reason.contains("nobody@"), "{reason}");
}

#[tokio::test]
async fn a_stranger_tells_nothing() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-03 20:00").await;
    listed.list(json!({ "act": "forge", "rows": [
        { "client": "mara", "check_in": "ci_mara", "due": "2026-11-03", "submitted": true },
    ] }));
    listed.until("2026-11-04 12:00").await;
    assert_eq!(listed.written(), ["work_task"]);
}

#[tokio::test]
async fn that_she_is_a_minor_is_not_forgotten_by_a_row_that_leaves_it_out() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-02 09:00").await;
    let head = "client,first_name,last_name,email,coach,contact,due";
    let row = "mara,Mara,Hayes,mara@example.test,coach_beth,601,2026-11-03";
    let told = format!("{head},minor\n{row},yes\n");
    listed
        .import(&list_file(told.as_bytes()).expect("a file"))
        .await;
    let untold = format!("{head}\n{row}\n");
    listed
        .import(&list_file(untold.as_bytes()).expect("a file"))
        .await;
    let portal = &listed.world.relay.engine.ports.portal;
    let mara = portal.client(&"mara".into()).await.expect("a read");
    assert_eq!(mara.expect("known").minor, Some(true));
}

#[tokio::test]
async fn a_file_again_teaches_nothing() {
    let listed = Listed::with_mara().await;
    listed.until("2026-11-02 09:00").await;
    let mut file = "client,first_name,coach,due\n".to_owned();
    for id in 1..=700 {
        writeln!(file, "c-{id},Ada,coach_beth,2026-11-20").expect("a string");
    }
    let file = list_file(file.as_bytes()).expect("a file");
    assert_eq!(file.rows, 700);
    let first = listed.import(&file).await;
    assert_eq!(
        (first.clients, first.clients_changed, first.check_ins),
        (700, 700, 700)
    );
    let again = listed.import(&file).await;
    assert_eq!(
        again,
        import::Learned {
            clients: 700,
            ..Default::default()
        }
    );
    let done = listed.world.store().receipts(ReceiptState::Done, ALL).await;
    let imported = done.expect("receipts").into_iter();
    let imported = imported.filter(|receipt| receipt.verified_by == "import:Robin");
    // Two files of 700 rows, each more than one webhook may hold or fewer: kept, as every webhook is.
    assert_eq!(imported.count(), 2 * file.bodies.len());
    let audit = listed.world.store().audit(ALL).await.expect("an audit log");
    assert!(
        audit
            .iter()
            .any(|entry| entry.what == "import" && entry.who == "Robin")
    );
}

#[tokio::test]
async fn a_list_that_falls_silent_is_missed_aloud_until_it_tells_again() {
    let listed = Listed::with_mara().await;
    listed.daily.set(false);
    listed.until("2026-11-04 23:00").await;
    assert_eq!(listed.items("list_silent").await.len(), 0);
    listed.until("2026-11-06 23:00").await;
    let item = listed.items("list_silent").await;
    assert!(
        item[0].title.contains("has told nothing since November 2"),
        "{}",
        item[0].title
    );
    listed.list(json!({ "act": "send_all" }));
    listed.until("2026-11-07 23:00").await;
    assert_eq!(listed.items("list_silent").await.len(), 0);
}

#[test]
fn exactly_one_tells_who_is_expected() {
    let portal = "[clear_connection]\nmode = \"on\"\nbase_url = \"http://127.0.0.1:9/api\"\n\
                  token = \"t\"\ncapabilities = { events = false }\n";
    let list =
        "[check_ins]\nfrom = \"list\"\ncoaches = { beth = \"Beth <beth@clinic.example.test>\" }\n";
    for (text, wrong) in [
        ("", Some("check_ins")),
        (portal, None),
        (list, None),
        (&*format!("{portal}{list}"), Some("check_ins.from")),
    ] {
        let config = Config::parse(text, Path::new(""), Variables::default()).expect("valid");
        let gaps = config.gaps();
        let telling = gaps.iter().map(|gap| gap.key);
        let telling: Vec<_> = telling
            .filter(|key| !key.starts_with("keap") && *key != "http.public_url")
            .collect();
        assert_eq!(telling, wrong.into_iter().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn a_coach_of_the_list_has_a_name_and_an_address_of_her_own() {
    for (coaches, key) in [
        ("", "check_ins.coaches"),
        ("beth = \"Beth\"", "check_ins.coaches.beth"),
        (
            "beth = \"<beth@clinic.example.test>\"",
            "check_ins.coaches.beth",
        ),
        ("beth = \"Beth <beth>\"", "check_ins.coaches.beth"),
        (
            "beth = \"Beth <b@clinic.example.test>\"\nruth = \"Ruth <B@clinic.example.test>\"",
            "check_ins.coaches.ruth",
        ),
    ] {
        let text = format!("[check_ins]\nfrom = \"list\"\n[check_ins.coaches]\n{coaches}\n");
        let error = Config::parse(&text, Path::new(""), Variables::default());
        let error = error.expect_err("refused");
        assert_eq!(error.mistakes[0].key, key, "{coaches}: {error}");
        assert!(!error.mistakes[0].remedy.is_empty());
    }
}
