//! What the terminal is told of a show, line by line.

use std::collections::{HashMap, HashSet};

use relay_core::effects::Port;
use relay_core::ids::{CaseId, ClientId};
use relay_core::time::{Date, TimeZone, Timestamp};
use relay_store::{CaseFilter, Page, StoreError};
use serde_json::Value;

use crate::cli::{CliError, Output, Table};
use crate::sandbox::cast::{CastAct, CastClient};
use crate::sandbox::play::{Happened, Play};
use crate::sandbox::report::{Report, received, short_name};
use crate::stage::show::{Pressed, Show};
use crate::wiring::VENDORS;

/// As much of a text as fits on a line.
const WIDTH: usize = 76;

/// A line of the show.
#[derive(Debug)]
pub(super) struct Event {
    at: Timestamp,
    from: &'static str,
    who: String,
    text: String,
    sop: Option<String>,
}

/// What was shown already.
#[derive(Debug, Default)]
pub(super) struct AlreadyShown {
    round: u64,
    pressed: usize,
    accepted: usize,
    happened: usize,
    lines: HashMap<CaseId, usize>,
    day: Option<Date>,
    quoted: HashSet<String>,
}

impl AlreadyShown {
    /// What has happened since the last look: people first, then the relay, then the vendors. A
    /// show that has begun anew is told from its beginning.
    pub(super) async fn news(&mut self, show: &Show) -> Result<Vec<Event>, StoreError> {
        if show.round() != self.round {
            *self = Self {
                round: show.round(),
                ..Self::default()
            };
        }
        let play = show.play();
        let mut events: Vec<Event> = play.happened()[self.happened..]
            .iter()
            .map(by_people)
            .collect();
        self.happened = play.happened().len();
        let pressed = show.pressed()[self.pressed..].iter();
        events.extend(pressed.map(|pressed| by_visitor(pressed, play)));
        self.pressed = show.pressed().len();
        for client in &play.cast().clients {
            events.extend(self.by_relay(play, client).await?);
        }
        let accepted = play.world.vendors.accepted();
        for entry in &accepted[self.accepted.min(accepted.len())..] {
            let mut clients = play.cast().clients.iter();
            let whose = clients.find(|one| one.id == entry.who || one.contact == entry.who);
            // What belongs to no client is plumbing: a hook, a tag's name.
            if let Some(client) = whose {
                let shown = received(entry, play.world.zone());
                let (from, what) = in_words(&entry.operation, &entry.content);
                let text = format!("{what}: {}", shown.says);
                events.push(Event {
                    at: entry.at,
                    from,
                    who: short_name(client),
                    text,
                    sop: None,
                });
            }
        }
        self.accepted = accepted.len();
        // Each client's lines stay together within a moment, in the order above.
        let clients: Vec<String> = play.cast().clients.iter().map(short_name).collect();
        let place = |who: &String| clients.iter().position(|name| name == who);
        events.sort_by_key(|event| (event.at, place(&event.who)));
        Ok(events)
    }

    async fn by_relay(
        &mut self,
        play: &Play,
        client: &CastClient,
    ) -> Result<Vec<Event>, StoreError> {
        let store = play.world.store();
        let id = Some(ClientId::from(client.id.as_str()));
        let filter = CaseFilter {
            client: id,
            closed: true,
            ..CaseFilter::default()
        };
        let mut events = Vec::new();
        for case in store.cases(&filter, Page::default()).await? {
            let timeline = store.timeline(case.id).await?;
            let shown = self.lines.entry(case.id).or_insert(0);
            events.extend(timeline.iter().skip(*shown).map(|line| Event {
                at: line.at,
                from: "relay",
                who: short_name(client),
                text: line.text.clone(),
                sop: line.sop.clone(),
            }));
            *shown = timeline.len();
        }
        Ok(events)
    }

    /// Tells one of them.
    pub(super) fn tell(
        &mut self,
        event: &Event,
        zone: &TimeZone,
        out: &mut Output<'_>,
    ) -> Result<(), CliError> {
        let local = zone.to_datetime(event.at);
        if self.day != Some(local.date()) {
            self.day = Some(local.date());
            out.say(&format!("\n{}", local.strftime("%A, %B %-d")))?;
        }
        let time = local.strftime("%H:%M");
        let Event {
            from,
            who,
            text,
            sop,
            ..
        } = event;
        out.say(&format!("  {time}  {from:<6}  {who:<8}  {}", short(text)))?;
        // Each sentence is quoted once; after that it is known.
        if let Some(sop) = sop
            .as_ref()
            .filter(|sop| self.quoted.insert((*sop).clone()))
        {
            out.say(&format!("  {:25}SOP: {}", "", short(sop)))?;
        }
        Ok(())
    }
}

/// An act, as an onlooker tells it.
fn by_people(happened: &Happened) -> Event {
    let Happened { at, client, act } = happened;
    // The CRM and the relay are the coach's tools; a client has the portal.
    let by_coach = VENDORS
        .iter()
        .any(|vendor| vendor.name == act.by && vendor.port == Some(Port::Crm));
    let from = if by_coach || act.by == "relay" {
        "coach"
    } else {
        "client"
    };
    Event {
        at: *at,
        from,
        who: short_name(client),
        text: deed(act),
        sop: None,
    }
}

fn deed(act: &CastAct) -> String {
    let text = act.what.get("text").and_then(Value::as_str);
    match act.what["act"].as_str().unwrap_or_default() {
        "check_in" => "submits her check-in in the portal".to_owned(),
        "client_writes" => format!("writes in the portal: {}", text.unwrap_or_default()),
        "complete_task" => match text {
            Some(text) => format!(
                "completes the call task in {}: \"{text}\"",
                title(Port::Crm)
            ),
            None => format!("completes the call task in {}", title(Port::Crm)),
        },
        "order" => {
            let order = &act.what["order"];
            match order["value"].as_str() {
                Some(value) => format!("has the contact type set to {value}"),
                None => "has the coaching fee stopped".to_owned(),
            }
        }
        other => other.replace('_', " "),
    }
}

/// What a visitor of the page did.
fn by_visitor(pressed: &Pressed, play: &Play) -> Event {
    let mut clients = play.cast().clients.iter();
    let whose = clients.find(|client| Some(&client.id) == pressed.client.as_ref());
    Event {
        at: pressed.at,
        from: "you",
        who: whose.map_or_else(|| "all".to_owned(), short_name),
        text: pressed.what.clone(),
        sop: None,
    }
}

/// Where an accepted request shows, and as what.
fn in_words(operation: &str, content: &Value) -> (&'static str, String) {
    let user = content["user_id"].as_str();
    let crm = title(Port::Crm);
    let (from, what) = match operation {
        "portal_message" => ("portal", "message from her coach"),
        "portal_note" => ("portal", "quiet note for the coach"),
        "email" => (crm, "email from her coach"),
        "call_task" if user.is_some() => (crm, "call task for her coach"),
        "work_task" => (crm, "task for her coach"),
        "contact_note" => (crm, "note on the contact"),
        "add_tag" => (crm, "tag put on"),
        "remove_tag" => (crm, "tag taken off"),
        "close_task" => (crm, "task closed"),
        "contact_type" => (crm, "contact type"),
        "auto_charge_off" => (crm, "off auto-charge: subscription"),
        "deactivate_subscription" => (crm, "inactive: subscription"),
        "remove_card" => (crm, "can't be charged any more: card"),
        other => (crm, other),
    };
    (from, what.to_owned())
}

/// What people call the vendor that stands for a side of the world.
fn title(port: Port) -> &'static str {
    let found = VENDORS.iter().find(|vendor| vendor.port == Some(port));
    found.map_or(port.as_str(), |vendor| vendor.title)
}

fn short(text: &str) -> String {
    let line = text.replace('\n', " ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    let kept: String = line.chars().take(WIDTH - 1).collect();
    format!("{}…", kept.trim_end())
}

/// Who received what, and why.
pub(super) fn closing(report: &Report) -> String {
    let mut table = Table::new(&["WHO", "WHEN", "WHAT", "SAYS"]);
    for person in &report.people {
        for entry in &person.received {
            let cells = [&person.name, &entry.clinic_time, &entry.what];
            let says = short(&entry.says);
            table.row(cells.into_iter().cloned().chain([says]));
        }
    }
    let mut lines = vec![
        String::new(),
        "Who received what".to_owned(),
        table.render("nothing"),
        "Why".to_owned(),
    ];
    for person in &report.people {
        for case in &person.cases {
            let decision = case.decision.as_deref().unwrap_or("no channel was chosen");
            lines.push(format!("{}: {decision}.", person.name));
            let cautions = case.cautions.iter();
            lines.extend(cautions.map(|caution| format!("  Look at this: {caution}.")));
            if let Some(change) = &case.would_change {
                lines.push(format!("  What would have changed it: {change}."));
            }
            lines.push(format!("  How it stands: {}.", case.status));
        }
        let work = person.work.iter();
        lines.extend(work.map(|item| format!("  Asked of a person: {item}")));
    }
    lines.push(String::new());
    let left_out = report.people.iter().filter(|person| !person.compared);
    let left_out: Vec<&str> = left_out.map(|person| person.name.as_str()).collect();
    if !left_out.is_empty() {
        lines.push(format!(
            "You took a hand in what happened to {}: that is not compared.",
            left_out.join(", ")
        ));
    }
    lines.push(
        match (report.passed, left_out.len() < report.people.len()) {
            (false, _) => "This is NOT what was written down by hand.".to_owned(),
            (true, true) => {
                "Compared with what was written down by hand: no difference.".to_owned()
            }
            (true, false) => String::new(),
        },
    );
    lines.push("Next: the same with --once --report demo.md, which plays the full cast".to_owned());
    lines.join("\n")
}
