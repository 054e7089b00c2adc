//! An emulated vendor, as the sandbox and the stage need it.
//!
//! For `demo` and `sandbox`, which loop over the vendors' emulators without knowing which they are.
//! Nothing of `serve` calls any of this: what orders a fault is out of its reach (a boundary test).
//!
//! Rules: an emulator is a state machine behind HTTP; whoever acts on it names an act in JSON, as a
//! person would do it in the vendor's tool. What its panel shows is read from its state each time.

use std::fmt::Debug;
use std::sync::Arc;

use relay_core::random::Random;
use relay_core::time::{Clock, Date, TimeZone, Timestamp};
use relay_http_client::emulation::Emulator;
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

/// How a vendor is emulated.
#[derive(Debug, Clone, Copy)]
pub struct Emulation {
    /// The folder of a sandbox that it is served in.
    pub folder: &'static str,
    /// Where its interface begins, below that folder.
    pub base: &'static str,
    /// It takes part only in a clinic where this tells who is expected; `None`: in every one.
    pub only_where: Option<ToldBy>,
    /// Its section where it takes no part, for the address that it would have. One that has an address of its own all
    /// the same must name that one: time is only scaled where every address is the sandbox's.
    pub off: fn(&Url) -> Option<String>,
    /// Starts one, where nobody is yet.
    pub start: fn(&Clinic<'_>) -> Arc<dyn Emulated>,
}

/// What tells the relay who is expected and who has checked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToldBy {
    /// The portal.
    #[default]
    Portal,
    /// A list of the clinic's own.
    List,
    /// The CRM, by tags and dates of its contacts.
    Crm,
}

/// The clinic that an emulated vendor belongs to.
#[derive(Debug, Clone, Copy)]
pub struct Clinic<'a> {
    /// Procedure time.
    pub clock: &'a Arc<dyn Clock>,
    /// Where its ids and delays come from.
    pub random: &'a Arc<dyn Random>,
    /// The clinic's zone.
    pub zone: &'a TimeZone,
    /// Its coaches, where they are known before the story begins.
    pub coaches: &'a [NewCoach<'a>],
    /// What tells there who is expected.
    pub told_by: ToldBy,
    /// Whether the relay has a CRM there.
    pub has_crm: bool,
}

/// An emulated vendor: its [`Emulator`], and what the invented clinic has to do with it.
pub trait Emulated: Debug + Send + Sync {
    /// The emulator itself: what acts, fails, accepts and delivers.
    fn emulator(&self) -> Arc<dyn Emulator>;

    /// Sets up what every account of it has before anybody is in it. Returns what was made.
    fn furnish(&self) -> Result<Map<String, Value>, String> {
        Ok(Map::new())
    }

    /// The section of a configuration that reaches it at `base`; `furnished` is what was made.
    fn section(&self, base: &Url, furnished: &Map<String, Value>) -> String;

    /// Its webhooks go to the relay at `relay`, where nobody else tells it so.
    fn connect(&self, _relay: &Url) -> Result<(), String> {
        Ok(())
    }

    /// A coach as it knows her when a cast begins.
    fn add_coach(&self, _coach: &NewCoach<'_>) -> Result<(), String> {
        Ok(())
    }

    /// A client as it knows her when a cast begins.
    fn add_client(&self, _client: &NewClient<'_>) -> Result<(), String> {
        Ok(())
    }

    /// The clients that it knows by the portal's id.
    fn clients(&self) -> Vec<EmulatedClient> {
        Vec::new()
    }

    /// The tasks of staff about a contact, completed ones too.
    fn tasks_about(&self, _contact: u64) -> Vec<StaffTask> {
        Vec::new()
    }

    /// What its tool shows of a client. `None` for somebody it must know and doesn't.
    fn panels(&self, _client: &Whom<'_>, _reader: Reader<'_>) -> Option<Panels> {
        Some(Panels::default())
    }
}

/// A task of somebody in the clinic, as long as it was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffTask {
    /// Whose it is, by name.
    pub owner: String,
    /// When it was made.
    pub made: Timestamp,
    /// When it was completed, by whomever; `None` while it is open.
    pub completed: Option<Timestamp>,
}

/// A coach of a cast.
#[derive(Debug, Clone, Copy)]
pub struct NewCoach<'a> {
    /// The portal's id.
    pub id: &'a str,
    /// The name she signs with.
    pub name: &'a str,
    /// The address by which every vendor knows her.
    pub email: &'a str,
    /// Her user in the CRM.
    pub user: u64,
}

/// A client of a cast.
#[derive(Debug, Clone)]
pub struct NewClient<'a> {
    /// The portal's id.
    pub id: &'a str,
    /// Given name, if she has one.
    pub first: Option<&'a str>,
    /// Family name, if she has one.
    pub last: Option<&'a str>,
    /// Address on file in the CRM.
    pub email: &'a str,
    /// Address on file in the portal.
    pub portal_email: &'a str,
    /// Number on file in the CRM.
    pub phone: Option<&'a str>,
    /// Number on file in the portal.
    pub portal_phone: Option<&'a str>,
    /// Her zone, if the portal knows one.
    pub zone: Option<&'a str>,
    /// Her coach.
    pub coach: &'a str,
    /// Her contact in the CRM.
    pub contact: u64,
    /// Whether the portal names her contact.
    pub linked: bool,
    /// The last change of her regimen.
    pub regimen: Option<Date>,
    /// When a check-in is due, where one is from the start.
    pub due: Option<Date>,
    /// The mail she got before.
    pub mails: Vec<PastMail>,
}

/// A mail that was sent before a cast begins.
#[derive(Debug, Clone)]
pub struct PastMail {
    /// When it was sent.
    pub sent: Timestamp,
    /// When it was opened.
    pub opened: Option<Timestamp>,
    /// When a link in it was clicked.
    pub clicked: Option<Timestamp>,
    /// From which address, where the CRM tells.
    pub from: Option<String>,
}

/// Somebody whom a vendor knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatedClient {
    /// The portal's id.
    pub id: String,
    /// Given name.
    pub first: Option<String>,
    /// Family name.
    pub last: Option<String>,
    /// Her contact in the CRM, where it is known.
    pub contact: Option<u64>,
}

/// Of whom a panel is asked.
#[derive(Debug, Clone, Copy)]
pub struct Whom<'a> {
    /// The portal's id.
    pub id: &'a str,
    /// Her contact in the CRM, where it is known.
    pub contact: Option<u64>,
}

/// An instant as the clinic reads it: `Wed Nov 4 09:00`.
pub fn clinic_time(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%a %b %-d %H:%M").to_string()
}

/// Who reads a panel: the clinic's zone, and its day.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The zone.
    pub zone: &'a TimeZone,
    /// The day.
    pub today: Date,
}

impl Reader<'_> {
    /// An instant on the clinic's clock.
    pub fn time(&self, at: Timestamp) -> String {
        clinic_time(at, self.zone)
    }

    /// The same, where there is one.
    pub fn maybe(&self, at: Option<Timestamp>) -> Option<String> {
        at.map(|at| self.time(at))
    }
}

/// A check-in, as the tool that knows of it shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckInView {
    id: String,
    /// `Nov 3`.
    due: String,
    /// `not due yet`, `due today`, `missed`, `submitted` or `withdrawn`.
    pub state: &'static str,
    submitted: Option<String>,
}

impl CheckInView {
    /// That of a check-in due on `due`, as it stands on the reader's day.
    pub fn of(
        id: &str,
        due: Date,
        submitted: Option<String>,
        withdrawn: bool,
        reader: Reader<'_>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            due: due.strftime("%b %-d").to_string(),
            state: match (withdrawn, &submitted) {
                (true, _) => "withdrawn",
                (_, Some(_)) => "submitted",
                _ if due > reader.today => "not due yet",
                _ if due == reader.today => "due today",
                _ => "missed",
            },
            submitted,
        }
    }
}

/// What a vendor's tool shows of a client.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Panels {
    /// The panels, by the name that the page has for each.
    pub shown: Vec<(&'static str, Value)>,
    /// The buttons that are pressed in this tool, and whether each would do something now.
    pub can: Vec<(&'static str, bool)>,
    /// The same of buttons that give the relay a command.
    pub can_order: Vec<(&'static str, bool)>,
    /// Her coach, where the tool tells.
    pub coach: Option<String>,
}
