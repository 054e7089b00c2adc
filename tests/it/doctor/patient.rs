//! A clinic whose relay can be made ill on purpose, and looked at.

use crate::support::tools::Tools as _;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use clear_relay::cli::doctor::{DoctorArgs, Runtime, examine};
use clear_relay::cli::{CliError, Output};
use clear_relay::config::Config;
use clear_relay::doctor::Machine;
use clear_relay::sandbox::clinic;
use clear_relay::sandbox::world::{Setup, World};
use clear_relay::wiring::store::SqliteStores;
use http::HeaderValue;
use http::header::DATE;
use relay_core::time::{Clock, Clocks, SignedDuration, SystemClock, Timestamp};
use relay_http_client::emulation::{FaultAct, FaultRule, Moment};
use relay_http_client::{Answer, Call, Transport, TransportError};
use relay_keap::emulator::{Act, NewContact, NewUser};
use relay_keap::{KeapClient, Settings};
use secrecy::SecretString;
use serde_json::{Value, json};

pub(super) fn start() -> Timestamp {
    "2026-11-03T16:00:00Z".parse().expect("a time")
}

/// A machine with room on disks of its own.
#[derive(Debug)]
pub(super) struct FakeMachine {
    pub(super) mounts: String,
    pub(super) free: u64,
    /// What can't be written to.
    pub(super) closed: Option<PathBuf>,
}

impl Machine for FakeMachine {
    fn mounts(&self) -> Option<String> {
        Some(self.mounts.clone())
    }
    fn free_bytes(&self, _folder: &Path) -> Option<u64> {
        Some(self.free)
    }
    fn may_write(&self, path: &Path) -> bool {
        self.closed.as_deref() != Some(path)
    }
}

/// Writes the time on every answer, as every HTTP server does, from a clock that may be wrong.
#[derive(Debug)]
struct Dated {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ahead: SignedDuration,
}

#[async_trait]
impl Transport for Dated {
    async fn send(&self, call: Call) -> Result<Answer, TransportError> {
        let mut answer = self.inner.send(call).await?;
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&(self.clock.now() + self.ahead))
            .expect("a date");
        let date = HeaderValue::from_str(&date).expect("a header");
        answer.headers.insert(DATE, date);
        Ok(answer)
    }
}

/// Something done to the hooks at the vendor.
pub(super) enum HookAct {
    /// The subscription to an event is deleted.
    Delete(&'static str),
    /// A subscription to an event at another base address is made.
    Make(&'static str, &'static str),
}

pub(super) struct Patient {
    pub(super) folder: tempfile::TempDir,
    pub(super) world: World,
    pub(super) config: String,
    pub(super) machine: FakeMachine,
    pub(super) ahead: SignedDuration,
    pub(super) hook_acts: Vec<HookAct>,
    transport: Arc<dyn Transport>,
}

/// What the doctor said.
pub(super) struct Said {
    pub(super) document: Value,
    pub(super) end: Result<(), CliError>,
}

impl Said {
    /// The findings that somebody should look at.
    pub(super) fn serious(&self) -> Vec<&Value> {
        let findings = self.document["findings"].as_array().expect("findings");
        let serious = |f: &&Value| matches!(f["severity"].as_str(), Some("warning" | "fault"));
        findings.iter().filter(serious).collect()
    }
}

impl Patient {
    /// Everything is as it should be: two coaches, a client with a check-in to come, hooks made.
    pub(super) async fn healthy() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relay.db");
        let seen: Arc<Mutex<Option<Arc<dyn Transport>>>> = Arc::default();
        let mut setup = Setup::new(start(), 7);
        let tap = Arc::clone(&seen);
        setup.on_the_way = Some(Arc::new(move |transport| {
            *tap.lock().expect("unpoisoned") = Some(Arc::clone(&transport));
            transport
        }));
        let world = World::new(setup, &path).await.expect("a world");
        let transport = seen.lock().expect("unpoisoned").take().expect("seen");
        let holidays = r#"holidays = ["2026-11-26", "2027-01-01", "2027-05-31"]"#;
        let config = world.config_text();
        let config = config.replace(r#"holidays = ["2027-01-01"]"#, holidays);
        let config = config.replace("[people]\ncoach_tasks_a_day = 100\n", "");
        let config = format!(
            "{config}\n\
             [people]\nadmin = \"Robin\"\nprogram_manager = \"Alex\"\n\
             program_manager_user = \"alex@clinic.test\"\n[log]\nlevel = \"info\"\n",
        );
        let patient = Self {
            folder,
            world,
            config,
            machine: FakeMachine {
                mounts: "/dev/sda1 / ext4 rw 0 0\n".to_owned(),
                free: 1 << 40,
                closed: None,
            },
            ahead: SignedDuration::ZERO,
            hook_acts: Vec::new(),
            transport,
        };
        patient.people();
        patient
    }

    fn people(&self) {
        self.keap(Act::AddUser(NewUser {
            email: "alex@clinic.test".to_owned(),
            given_name: "Alex".to_owned(),
            ..NewUser::default()
        }));
        for (id, name, email) in [
            ("coach-1", "Beth", "beth@clinic.test"),
            ("coach-2", "Dana", "dana@clinic.test"),
        ] {
            let act = json!({ "act": "add_coach", "id": id, "name": name, "email": email });
            self.portal(act);
            self.keap(Act::AddUser(NewUser {
                email: email.to_owned(),
                given_name: name.to_owned(),
                ..NewUser::default()
            }));
        }
        self.portal(
            json!({ "act": "add_client", "id": "maya", "coach": "coach-1",
                            "first_name": "Maya", "email": "maya@client.test" }),
        );
        self.portal(
            json!({ "act": "add_check_in", "client": "maya", "id": "ci-1",
                            "due": "2026-11-10" }),
        );
        self.keap(Act::AddContact(NewContact {
            given_name: Some("Maya".to_owned()),
            email: Some("maya@client.test".to_owned()),
            ..NewContact::default()
        }));
    }

    pub(super) fn portal(&self, act: Value) {
        let done = self.world.vendors.act("portal", act);
        done.expect("the act is possible");
    }

    pub(super) fn keap(&self, act: Act) {
        let done = self.world.vendors.keap().perform(act);
        done.expect("the act is possible");
    }

    /// One vendor answers an operation with this status from now on.
    pub(super) fn answers(&self, vendor: &str, operation: &str, code: u16) {
        let body = (vendor == "portal" && code == 404).then(String::new);
        self.answer(vendor, operation, code, body);
    }

    /// The same, with this body.
    pub(super) fn answers_with(&self, vendor: &str, operation: &str, code: u16, body: &str) {
        self.answer(vendor, operation, code, Some(body.to_owned()));
    }

    fn answer(&self, vendor: &str, operation: &str, code: u16, body: Option<String>) {
        let rule = FaultRule {
            operation: operation.to_owned(),
            moment: Moment::Before,
            act: FaultAct::Status {
                code,
                retry_after: None,
                body,
            },
            skip: 0,
            times: u32::MAX,
        };
        self.world.vendors.order(vendor, rule).expect("ordered");
    }

    /// Rewrites the configuration.
    pub(super) fn write(&mut self, from: &str, to: &str) {
        assert!(
            self.config.contains(from),
            "{from} is not in {}",
            self.config
        );
        self.config = self.config.replacen(from, to, 1);
    }

    /// Writes a file beside the database.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }

    async fn act_on_hooks(&self) {
        let key = SecretString::from(clinic::KEAP_KEY);
        let mut settings = Settings::live(key).expect("settings");
        settings.base = "https://keap.test/crm".parse().expect("an address");
        let transport = Arc::clone(&self.transport);
        let client = KeapClient::new(transport, Arc::new(SystemClock), settings).expect("usable");
        for act in &self.hook_acts {
            match act {
                HookAct::Delete(event) => {
                    let hooks = client.hooks().await.expect("hooks");
                    let mut hooks = hooks.into_iter();
                    let hook = hooks.find(|hook| hook.event_key.as_deref() == Some(event));
                    let key = hook.and_then(|hook| hook.key).expect("subscribed");
                    client.delete_hook(&key).await.expect("deleted");
                }
                HookAct::Make(event, base) => {
                    let url = format!("{base}hooks/keap/{}", clinic::HOOK_SECRET);
                    let url = url.parse().expect("an address");
                    client.create_hook(event, &url).await.expect("made");
                }
            }
        }
    }

    /// Calls the doctor.
    pub(super) async fn examined(&self, args: &DoctorArgs) -> Said {
        let (bytes, end) = self.shown(args, true).await;
        let document = serde_json::from_slice(&bytes).expect("one document");
        Said { document, end }
    }

    /// Calls the doctor, and returns what is shown.
    pub(super) async fn shown(
        &self,
        args: &DoctorArgs,
        json: bool,
    ) -> (Vec<u8>, Result<(), CliError>) {
        self.act_on_hooks().await;
        let examined =
            Config::examine_text(&self.config, self.folder.path(), HashMap::new()).expect("read");
        let dated = Dated {
            inner: Arc::clone(&self.transport),
            clock: Arc::clone(&self.world.clock) as _,
            ahead: self.ahead,
        };
        let ground = Runtime {
            stores: &SqliteStores,
            machine: &self.machine,
            transport: Arc::new(dated),
            clocks: Clocks {
                procedure: Arc::clone(&self.world.clock) as _,
                real: Arc::clone(&self.world.real) as _,
            },
        };
        let mut bytes = Vec::new();
        let end = examine(&examined, args, &ground, &mut Output::new(&mut bytes, json)).await;
        (bytes, end)
    }
}
