//! Misconfigurations that no vendor has to be asked for.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use clear_relay::cli::doctor::DoctorArgs;
use clear_relay::ports::Stores as _;
use clear_relay::wiring::store::SqliteStores;
use relay_core::time::SignedDuration;
use relay_store::{Claim, Fence, JobEnd, JobError, Op};

use super::patient::Patient;
use super::{Case, each_is_found_alone};

/// The key of the CRM in a file, with this mode.
fn key_in_file(patient: &mut Patient, mode: u32) {
    let path = patient.file("keap-key", clear_relay::sandbox::clinic::KEAP_KEY);
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).expect("set");
    let line = format!("key = \"{}\"", clear_relay::sandbox::clinic::KEAP_KEY);
    patient.write(&line, "key_file = \"keap-key\"");
}

#[tokio::test]
async fn configuration_that_does_not_fit_together_is_found() {
    each_is_found_alone(&[
        Case {
            name: "a misspelt key",
            spoil: |p| p.write("public_url", "public_ulr"),
            area: "configuration",
            severity: "fault",
            what: &["http.public_ulr", "is not a key"],
            remedy: "did you mean \"public_url\"?",
        },
        Case {
            name: "no public address",
            spoil: |p| p.write("public_url = \"https://relay.test/\"", ""),
            area: "configuration",
            severity: "fault",
            what: &["http.public_url is missing"],
            remedy: "https://HOST/",
        },
        Case {
            name: "a public address that nobody reaches",
            spoil: |p| p.write("https://relay.test/", "http://127.0.0.1:8080/"),
            area: "configuration",
            severity: "fault",
            what: &["http.public_url", "127.0.0.1", "can't reach"],
            remedy: "proxy",
        },
        Case {
            name: "no secret for hooks",
            spoil: |p| p.write("hook_secrets = {", "#"),
            area: "configuration",
            severity: "fault",
            what: &["keap.hook_secrets has no secret"],
            remedy: "a_file",
        },
        Case {
            name: "a vendor off",
            spoil: |p| {
                p.write(
                    "[clear_connection]\nmode = \"on\"",
                    "[clear_connection]\nmode = \"off\"",
                );
            },
            area: "configuration",
            severity: "fault",
            what: &["check_ins are told by nobody that is on"],
            remedy: "clear_connection.mode = \"on\"",
        },
        Case {
            name: "nothing counts as the fee",
            spoil: |p| p.write("product_ids = [\"10\"]", "product_ids = []"),
            area: "configuration",
            severity: "warning",
            what: &["keap.coaching names no product"],
            remedy: "A15",
        },
        Case {
            name: "everything is logged",
            spoil: |p| p.write("level = \"info\"", "level = \"info,relay_keap=trace\""),
            area: "logging",
            severity: "warning",
            what: &["log.level is \"info,relay_keap=trace\""],
            remedy: "log.level = \"info\"",
        },
        Case {
            name: "nobody is the Program Manager",
            spoil: |p| p.write("program_manager = \"Alex\"\n", ""),
            area: "people",
            severity: "warning",
            what: &["people.program_manager is missing"],
            remedy: "A11",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_secret_file_that_is_missing_empty_or_open_is_found() {
    each_is_found_alone(&[
        Case {
            name: "missing",
            spoil: |p| {
                key_in_file(p, 0o600);
                std::fs::remove_file(p.folder.path().join("keap-key")).expect("removed");
            },
            area: "configuration",
            severity: "fault",
            what: &["keap.key_file", "can't be read"],
            remedy: "name a readable file",
        },
        Case {
            name: "a webhook key that is missing",
            spoil: |p| {
                p.write(
                    "webhook_keys = { first",
                    "webhook_keys = { first_file = \"no-such-file\" } # ",
                );
            },
            area: "configuration",
            severity: "fault",
            what: &["clear_connection.webhook_keys.first_file", "can't be read"],
            remedy: "name a readable file",
        },
        Case {
            name: "empty",
            spoil: |p| {
                key_in_file(p, 0o600);
                p.file("keap-key", "");
            },
            area: "configuration",
            severity: "fault",
            what: &["keap.key_file", "keap-key", "is empty"],
            remedy: "write the secret there",
        },
        Case {
            name: "open to everybody",
            spoil: |p| key_in_file(p, 0o644),
            area: "files",
            severity: "warning",
            what: &["keap.key_file", "everybody on this machine"],
            remedy: "chmod 600",
        },
        Case {
            name: "open to its group",
            spoil: |p| key_in_file(p, 0o660),
            area: "files",
            severity: "warning",
            what: &["keap.key_file", "its group"],
            remedy: "chmod 600",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_place_where_the_database_is_not_safe_is_found() {
    each_is_found_alone(&[
        Case {
            name: "no such folder",
            spoil: |p| {
                let path = p.folder.path().join("relay.db").display().to_string();
                p.write(&path, "/no/such/folder/relay.db");
            },
            area: "files",
            severity: "fault",
            what: &["store.path: /no/such/folder/relay.db", "no such folder"],
            remedy: "mkdir -p /no/such/folder",
        },
        Case {
            name: "a network file system",
            spoil: |p| p.machine.mounts = "server:/x / nfs4 rw 0 0\n".to_owned(),
            area: "files",
            severity: "fault",
            what: &["network file system (nfs4)"],
            remedy: "a disk of this machine",
        },
        Case {
            name: "a folder that can't be written to",
            spoil: |p| p.machine.closed = Some(p.folder.path().to_owned()),
            area: "files",
            severity: "fault",
            what: &["can't be written to by the user who runs this"],
            remedy: "chown",
        },
        Case {
            name: "a database that can't be written to",
            spoil: |p| p.machine.closed = Some(p.folder.path().join("relay.db")),
            area: "files",
            severity: "fault",
            what: &["relay.db can't be written to"],
            remedy: "chmod",
        },
        Case {
            name: "little room",
            spoil: |p| p.machine.free = 100 << 20,
            area: "files",
            severity: "warning",
            what: &["100 MiB are free"],
            remedy: "free some room",
        },
        Case {
            name: "no room",
            spoil: |p| p.machine.free = 1 << 20,
            area: "files",
            severity: "fault",
            what: &["1 MiB are free"],
            remedy: "free some room",
        },
        Case {
            name: "not a database",
            spoil: |p| {
                let other = p.file("notes.txt", &"no database at all\n".repeat(100));
                let path = p.folder.path().join("relay.db").display().to_string();
                p.write(&path, &other.display().to_string());
            },
            area: "store",
            severity: "fault",
            what: &["notes.txt can't be opened as a database"],
            remedy: "store.path",
        },
        Case {
            name: "no relay runs",
            spoil: |p| p.world.clock.advance(SignedDuration::from_hours(1)),
            area: "store",
            severity: "warning",
            what: &["the oldest job that is due has waited"],
            remedy: "clear-relay serve",
        },
    ])
    .await;
}

#[tokio::test]
async fn a_damaged_database_is_found_and_its_jobs_are_not_asked_for() {
    let mut patient = Patient::healthy().await;
    let whole = patient.folder.path().join("relay.db");
    let broken = patient.folder.path().join("broken.db");
    SqliteStores.migrate(&broken).await.expect("made");
    let mut file = std::fs::File::options()
        .write(true)
        .open(&broken)
        .expect("opened");
    file.seek(SeekFrom::Start(4096)).expect("there");
    file.write_all(&[0xa5; 3 * 4096]).expect("written");
    let (whole, broken) = (whole.display().to_string(), broken.display().to_string());
    patient.write(&whole, &broken);
    let said = patient.examined(&DoctorArgs::default()).await;
    let serious = said.serious();
    assert_eq!(serious.len(), 1, "{serious:#?}");
    assert_eq!(serious[0]["area"], "store");
    assert_eq!(serious[0]["severity"], "fault");
    let what = serious[0]["what"].as_str().expect("a text");
    assert!(what.contains("the database is damaged"), "{what}");
}

#[tokio::test]
async fn somebody_of_whom_nobody_is_reminded_is_a_warning_with_the_command_that_repairs_it() {
    let patient = Patient::healthy().await;
    let store = patient.world.store();
    let now = patient.world.now();
    let item = relay_store::WorkItem {
        id: relay_core::ids::WorkItemId::new(&relay_core::random::SeededRandom::new(5), now),
        dedupe_key: "reply/maya".to_owned(),
        kind: "reply".to_owned(),
        owner: "coach".to_owned(),
        title: "Maya H.: replied".to_owned(),
        detail: serde_json::Value::Null,
        actions: vec!["done".to_owned()],
        client: None,
        case: None,
        effect: None,
        opened_at: now,
        due: now,
        remind_at: now,
        reminders: 0,
        settled: None,
    };
    let open = vec![Op::OpenWork(item)];
    store.commit(open.into()).await.expect("committed");
    let said = patient.examined(&DoctorArgs::default()).await;
    let serious = said.serious();
    assert_eq!(serious.len(), 1, "{serious:#?}");
    assert_eq!(serious[0]["subject"], "reconcile");
    let remedy = serious[0]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("`clear-relay reconcile`"), "{remedy}");
}

#[tokio::test]
async fn a_dead_job_is_a_warning_and_in_strict_mode_that_is_enough() {
    let patient = Patient::healthy().await;
    let store = patient.world.store();
    let now = patient.world.now();
    let claim = Claim {
        worker: "w".to_owned(),
        now,
        lease_until: now + SignedDuration::from_mins(5),
        limit: 1,
        lane: None,
        case: None,
        kinds: Vec::new(),
    };
    let jobs = store.claim(claim).await.expect("claimed");
    let job = jobs.first().expect("a periodic job");
    let end = JobEnd::Dead {
        error: JobError::new("permanent", "no"),
    };
    let fence = Fence {
        job: job.id,
        fence: job.fence,
    };
    let finish = Op::FinishJob {
        fence,
        end,
        at: now,
    };
    store.commit(vec![finish].into()).await.expect("committed");
    let said = patient.examined(&DoctorArgs::default()).await;
    let serious = said.serious();
    assert_eq!(serious.len(), 1, "{serious:#?}");
    assert_eq!(serious[0]["subject"], "jobs.dead");
    assert!(said.end.is_ok(), "a warning is no fault");
    let strict = DoctorArgs {
        strict: true,
        ..Default::default()
    };
    let said = patient.examined(&strict).await;
    assert!(said.end.is_err(), "in strict mode it is");
}

#[tokio::test]
async fn a_calendar_that_has_aged_or_closes_everything_is_found() {
    const HOLIDAYS: &str = "[\"2026-11-26\", \"2027-01-01\", \"2027-05-31\"]";
    each_is_found_alone(&[
        Case {
            name: "no holidays",
            spoil: |p| p.write(HOLIDAYS, "[]"),
            area: "calendar",
            severity: "warning",
            what: &["clinic.holidays is empty"],
            remedy: "A26",
        },
        Case {
            name: "holidays that end soon",
            spoil: |p| p.write(HOLIDAYS, "[\"2026-11-26\", \"2026-12-25\"]"),
            area: "calendar",
            severity: "warning",
            what: &["clinic.holidays ends with 2026-12-25"],
            remedy: "A26",
        },
        Case {
            name: "hours that a clock change swallows",
            spoil: |p| p.write("[clinic]", "[clinic]\nportal_hours = \"02:30-18:00\""),
            area: "calendar",
            severity: "warning",
            what: &["clinic.portal_hours", "02:30:00", "2027-03-14"],
            remedy: "in the day",
        },
        Case {
            name: "no weekday is open",
            spoil: |p| {
                let days = ["monday", "tuesday", "wednesday", "thursday", "friday"];
                let closed = days.map(|day| format!("{day} = \"closed\"\n")).concat();
                p.config.push_str(
                    "[clinic.office_hours]
",
                );
                p.config.push_str(&closed);
            },
            area: "configuration",
            severity: "fault",
            what: &["clinic.office_hours", "no weekday is open"],
            remedy: "weekday",
        },
        Case {
            name: "every day is closed",
            spoil: |p| {
                let first = p.world.zone().to_datetime(p.world.now()).date();
                let days = first.series(jiff::Span::new().days(1)).take(70);
                let days: Vec<_> = days.map(|day| format!("\"{day}\"")).collect();
                let closed = format!("[clinic]\nclosed_days = [{}]", days.join(", "));
                p.write("[clinic]", &closed);
            },
            area: "calendar",
            severity: "fault",
            what: &["no day of the next 60 is a working day"],
            remedy: "clinic.closed_days",
        },
    ])
    .await;
}

/// The shipped procedure in a folder, with one text replaced in its file.
fn procedure(patient: &mut Patient, from: &str, to: &str) {
    let folder = patient.folder.path().join("procedures");
    clear_relay::sandbox::clinic::write_procedures(&folder, "strict").expect("written");
    let file = folder.join("missed-check-in.toml");
    let text = std::fs::read_to_string(&file).expect("read");
    assert!(text.contains(from), "{from}");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("written");
    let line = format!(
        "[procedures.missed_check_in]\npath = \"{}\"",
        folder.display()
    );
    patient.write("[procedures.missed_check_in]", &line);
}

#[tokio::test]
async fn a_procedure_with_holes_is_found() {
    each_is_found_alone(&[
        Case {
            name: "no such folder",
            spoil: |p| {
                let to = "[procedures.missed_check_in]\npath = \"/no/such/folder\"";
                p.write("[procedures.missed_check_in]", to);
            },
            area: "procedure",
            severity: "fault",
            what: &["procedures.missed_check_in.path", "/no/such/folder"],
            remedy: "missed-check-in.toml",
        },
        Case {
            name: "a script is missing",
            spoil: |p| procedure(p, "file = \"S2.txt\"", "file = \"S22.txt\""),
            area: "procedure",
            severity: "fault",
            what: &["scripts.S2.file", "no such file"],
            remedy: "beside the others",
        },
        Case {
            name: "a value out of its range",
            spoil: |p| procedure(p, "usual_hours = 48 ", "usual_hours = 4 "),
            area: "procedure",
            severity: "fault",
            what: &["waits.usual_hours", "can't be used"],
            remedy: "from 24 to 336",
        },
        Case {
            name: "waits that don't fit into the window",
            spoil: |p| procedure(p, "days = 21 ", "days = 18 "),
            area: "procedure",
            severity: "warning",
            what: &["window.days is 18"],
            remedy: "waits.usual_hours",
        },
    ])
    .await;
}
