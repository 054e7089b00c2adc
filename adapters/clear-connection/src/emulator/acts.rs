//! What people do in the portal.
//!
//! Each act has a method and a JSON form, `{"act": NAME, …}`, for [`Portal::act`]:
//!
//! | act | members |
//! |---|---|
//! | `add_coach` | `id`, `name`, `email` |
//! | `rename_coach` | `id`, `name` |
//! | `add_client` | as [`NewClient`] |
//! | `add_check_in` | `client`, `id`, `due`, `due_at`? |
//! | `check_in` | `client`, `check_in`?, `complete`? |
//! | `reschedule` | `check_in`, `due` |
//! | `withdraw` | `check_in` |
//! | `client_writes` | `client`, `text` |
//! | `coach_writes` | `client`, `text`, `coach`? |
//! | `client_reads` | `client` |
//! | `change_regimen` | `client` |
//! | `change_coach` | `client`, `coach` |
//! | `change_status` | `client`, `status`, `break_until`? |
//! | `change_guardian` | `client`, `minor`?, `guardian`? |
//! | `end_program`, `reactivate` | `client` |
//! | `reword` | `id` of a message or check-in, `word` |
//! | `raise`, `forge` | `type`, `data` |
//! | `switch` | as [`Switches`]; those not named go off |

use relay_core::time::{Date, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::portal::Portal;
use super::settings::{NewClient, Switches};
use super::state::{CheckIn, Coach, Message, State, show_client};

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum Act {
    AddCoach {
        id: String,
        name: String,
        email: String,
    },
    RenameCoach {
        id: String,
        name: String,
    },
    AddCheckIn {
        client: String,
        id: String,
        due: Date,
        due_at: Option<Timestamp>,
    },
    CheckIn {
        client: String,
        check_in: Option<String>,
        complete: Option<bool>,
    },
    Reschedule {
        check_in: String,
        due: Date,
    },
    Withdraw {
        check_in: String,
    },
    ClientWrites {
        client: String,
        text: String,
    },
    CoachWrites {
        client: String,
        text: String,
        coach: Option<String>,
    },
    ClientReads {
        client: String,
    },
    Reword {
        id: String,
        word: String,
    },
    ChangeRegimen {
        client: String,
    },
    ChangeCoach {
        client: String,
        coach: String,
    },
    ChangeStatus {
        client: String,
        status: String,
        break_until: Option<Date>,
    },
    ChangeGuardian {
        client: String,
        minor: Option<bool>,
        guardian: Option<String>,
    },
    EndProgram {
        client: String,
    },
    Reactivate {
        client: String,
    },
    Raise {
        #[serde(rename = "type")]
        kind: String,
        data: Value,
    },
    Forge {
        #[serde(rename = "type")]
        kind: String,
        data: Value,
    },
}

impl Portal {
    /// Plays an act given as JSON (see the module's table). Answers with the id of what it made,
    /// where it made something.
    pub fn act(&self, mut act: Value) -> Result<Value, String> {
        let name = act.get("act").and_then(Value::as_str).unwrap_or_default();
        // These two have a public type of their own; the tag is taken off for it.
        if name == "add_client" || name == "switch" {
            let is_switch = name == "switch";
            if let Some(members) = act.as_object_mut() {
                members.remove("act");
            }
            if is_switch {
                self.set_switches(read::<Switches>(act)?);
                return Ok(Value::Null);
            }
            return self
                .add_client(read::<NewClient>(act)?)
                .map(|()| Value::Null);
        }
        self.play(read(act)?)
    }

    fn play(&self, act: Act) -> Result<Value, String> {
        let nothing = |()| Value::Null;
        let made = |id: String| json!({"id": id});
        match act {
            Act::AddCoach { id, name, email } => self.add_coach(&id, &name, &email).map(nothing),
            Act::AddCheckIn {
                client,
                id,
                due,
                due_at,
            } => self.add_check_in(&client, &id, due, due_at).map(nothing),
            Act::CheckIn {
                client,
                check_in,
                complete,
            } => self
                .submit(&client, check_in.as_deref(), complete.unwrap_or(true))
                .map(made),
            Act::Reschedule { check_in, due } => self.reschedule(&check_in, due).map(nothing),
            Act::Withdraw { check_in } => self.withdraw(&check_in).map(nothing),
            Act::ClientWrites { client, text } => self.client_writes(&client, &text).map(made),
            Act::CoachWrites {
                client,
                text,
                coach,
            } => self
                .coach_writes(&client, coach.as_deref(), &text)
                .map(made),
            Act::Reword { id, word } => self.reword(&id, &word).map(nothing),
            Act::ClientReads { client } => self.client_reads(&client).map(|read| json!(read)),
            Act::RenameCoach { id, name } => self.rename_coach(&id, &name).map(nothing),
            Act::ChangeRegimen { client } => self.change_regimen(&client).map(nothing),
            Act::ChangeCoach { client, coach } => self.change_coach(&client, &coach).map(nothing),
            Act::ChangeStatus {
                client,
                status,
                break_until,
            } => self
                .change_status(&client, &status, break_until)
                .map(nothing),
            Act::ChangeGuardian {
                client,
                minor,
                guardian,
            } => change_guardian(self, &client, minor, guardian).map(nothing),
            Act::EndProgram { client } => self.end_program(&client).map(nothing),
            Act::Reactivate { client } => self.reactivate(&client).map(nothing),
            Act::Raise { kind, data } => Ok(made(self.raise(&kind, &data))),
            Act::Forge { kind, data } => Ok(made(self.forge(&kind, &data))),
        }
    }

    /// A coach joins.
    pub fn add_coach(&self, id: &str, name: &str, email: &str) -> Result<(), String> {
        let mut state = self.state();
        if state.has_coach(id) {
            return Err(format!("coach {id} is there already"));
        }
        state.coaches.push(Coach {
            id: id.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
        });
        Ok(())
    }

    /// A coach takes another name. No event.
    pub fn rename_coach(&self, id: &str, name: &str) -> Result<(), String> {
        let mut state = self.state();
        let coach = state.coaches.iter_mut().find(|coach| coach.id == id);
        let coach = coach.ok_or_else(|| format!("no coach {id}"))?;
        name.clone_into(&mut coach.name);
        Ok(())
    }

    /// A client joins. No event.
    pub fn add_client(&self, client: NewClient) -> Result<(), String> {
        let mut state = self.state();
        if state.client(&client.id).is_some() {
            return Err(format!("client {} is there already", client.id));
        }
        if let Some(coach) = client.coach.as_deref().filter(|id| !state.has_coach(id)) {
            return Err(format!("no coach {coach}"));
        }
        state.clients.push(client);
        Ok(())
    }

    /// A check-in is asked for. Its `check_in.due` comes when it is due, or at once if that is
    /// past.
    pub fn add_check_in(
        &self,
        client: &str,
        id: &str,
        due: Date,
        due_at: Option<Timestamp>,
    ) -> Result<(), String> {
        let mut state = self.state();
        state.client_mut(client)?;
        if state.check_in_mut(id).is_ok() {
            return Err(format!("check-in {id} is there already"));
        }
        state.check_ins.push(CheckIn {
            id: id.to_owned(),
            client: client.to_owned(),
            due,
            due_at,
            submitted_at: None,
            complete: false,
            withdrawn: false,
            announced: false,
            word: None,
        });
        Ok(())
    }

    /// The client submits her open check-in that is due first, complete. Returns its id.
    pub fn check_in(&self, client: &str) -> Result<String, String> {
        self.submit(client, None, true)
    }

    /// The client submits `check_in`, or her open one that is due first. Returns its id.
    pub fn submit(
        &self,
        client: &str,
        check_in: Option<&str>,
        complete: bool,
    ) -> Result<String, String> {
        let now = self.now();
        let mut state = self.state();
        let switches = state.switches;
        let submitted = state
            .check_ins
            .iter_mut()
            .filter(|open| open.client == client && open.is_open())
            .filter(|open| check_in.is_none_or(|wanted| open.id == wanted))
            .min_by_key(|open| open.due)
            .ok_or_else(|| format!("client {client} has no such open check-in"))?;
        submitted.submitted_at = Some(now);
        submitted.complete = complete;
        let data = json!({
            "client_id": client,
            "check_in_id": submitted.id,
            "submitted_at": now,
            "complete": complete,
        });
        let id = submitted.id.clone();
        self.tell(switches, "check_in.submitted", &data);
        Ok(id)
    }

    /// The clinic moves a check-in to another day.
    pub fn reschedule(&self, check_in: &str, due: Date) -> Result<(), String> {
        let mut state = self.state();
        let switches = state.switches;
        let moved = state.check_in_mut(check_in)?;
        moved.due = due;
        moved.due_at = None;
        moved.announced = false;
        let data = json!({"client_id": moved.client, "check_in_id": check_in, "due_date": due});
        self.tell(switches, "check_in.rescheduled", &data);
        Ok(())
    }

    /// The clinic withdraws a check-in.
    pub fn withdraw(&self, check_in: &str) -> Result<(), String> {
        let mut state = self.state();
        let switches = state.switches;
        let withdrawn = state.check_in_mut(check_in)?;
        withdrawn.withdrawn = true;
        let data = json!({
            "client_id": withdrawn.client,
            "check_in_id": check_in,
            "due_date": withdrawn.due,
        });
        self.tell(switches, "check_in.withdrawn", &data);
        Ok(())
    }

    /// The client writes. Returns the message's id.
    pub fn client_writes(&self, client: &str, text: &str) -> Result<String, String> {
        self.write(client, None, text)
    }

    /// From now on the portal has another word for the author of this message, or for the state of
    /// this check-in. An empty word takes it back.
    pub fn reword(&self, id: &str, word: &str) -> Result<(), String> {
        let word = (!word.is_empty()).then(|| word.to_owned());
        let mut state = self.state();
        if let Some(message) = state.messages.iter_mut().find(|one| one.id == id) {
            message.word = word;
            return Ok(());
        }
        let check_in = state.check_ins.iter_mut().find(|one| one.id == id);
        check_in.ok_or_else(|| format!("there is no {id}"))?.word = word;
        Ok(())
    }

    /// A coach writes by hand: `coach`, or the client's own. Returns the message's id.
    pub fn coach_writes(
        &self,
        client: &str,
        coach: Option<&str>,
        text: &str,
    ) -> Result<String, String> {
        let own = self.state().client_mut(client)?.coach.clone();
        let coach = coach.map(str::to_owned).or(own);
        let coach = coach.ok_or_else(|| format!("client {client} has no coach"))?;
        self.write(client, Some(coach), text)
    }

    /// The client reads every message of her coach. Returns the ids of those she hadn't read.
    pub fn client_reads(&self, client: &str) -> Result<Vec<String>, String> {
        let now = self.now();
        let mut state = self.state();
        state.client_mut(client)?;
        let switches = state.switches;
        let mut read = Vec::new();
        for message in &mut state.messages {
            let new = message.coach.is_some() && message.read_at.is_none();
            if message.client == client && new {
                message.read_at = Some(now);
                read.push(message.id.clone());
            }
        }
        for message in &read {
            let data = json!({"client_id": client, "message_id": message, "read_at": now});
            self.tell(switches, "message.read", &data);
        }
        Ok(read)
    }

    /// The coach changes the regimen: `R` is today, clinic time.
    pub fn change_regimen(&self, client: &str) -> Result<(), String> {
        let now = self.now();
        let mut state = self.state();
        let switches = state.switches;
        let today = self.settings.zone.to_datetime(now).date();
        state.client_mut(client)?.last_regimen_change = Some(today);
        let data = json!({"client_id": client, "changed_at": now});
        self.tell(switches, "regimen.changed", &data);
        Ok(())
    }

    /// The client gets another coach.
    pub fn change_coach(&self, client: &str, coach: &str) -> Result<(), String> {
        let mut state = self.state();
        if !state.has_coach(coach) {
            return Err(format!("no coach {coach}"));
        }
        state.client_mut(client)?.coach = Some(coach.to_owned());
        self.tell_client(&state, client);
        Ok(())
    }

    /// The client's status changes, to any word.
    pub fn change_status(
        &self,
        client: &str,
        status: &str,
        break_until: Option<Date>,
    ) -> Result<(), String> {
        let mut state = self.state();
        let changed = state.client_mut(client)?;
        changed.status = Some(status.to_owned());
        changed.break_until = break_until;
        self.tell_client(&state, client);
        Ok(())
    }

    /// A coach ends the program by hand.
    pub fn end_program(&self, client: &str) -> Result<(), String> {
        self.change_status(client, "quit", None)?;
        let data = json!({"client_id": client, "at": self.now(), "by": "staff"});
        self.tell(self.switches(), "program.ended", &data);
        Ok(())
    }

    /// A coach takes the program up again.
    pub fn reactivate(&self, client: &str) -> Result<(), String> {
        self.change_status(client, "online", None)?;
        let data = json!({"client_id": client, "at": self.now(), "by": "staff"});
        self.tell(self.switches(), "program.reactivated", &data);
        Ok(())
    }

    fn write(&self, client: &str, coach: Option<String>, text: &str) -> Result<String, String> {
        let message = Message {
            id: self.kit.named_id("msg"),
            client: client.to_owned(),
            coach,
            sent_at: self.now(),
            text: text.to_owned(),
            read_at: None,
            key: None,
            word: None,
        };
        let id = message.id.clone();
        let mut state = self.state();
        state.client_mut(client)?;
        self.add_message(&mut state, message);
        Ok(id)
    }

    /// Puts a message into the conversation and tells of it, whoever wrote it.
    pub(super) fn add_message(&self, state: &mut State, message: Message) {
        let data = json!({
            "client_id": message.client,
            "message_id": message.id,
            "sent_at": message.sent_at,
            "from": message.from(),
            "coach_id": message.coach,
        });
        state.messages.push(message);
        self.tell(state.switches, "message.received", &data);
    }

    fn tell_client(&self, state: &State, client: &str) {
        let Some(client) = state.client(client) else {
            return;
        };
        let mut data = show_client(client);
        if let Some(members) = data.as_object_mut() {
            let id = members.remove("id");
            members.insert("client_id".to_owned(), id.unwrap_or_default());
        }
        self.tell(state.switches, "client.updated", &data);
    }

    fn tell(&self, switches: Switches, kind: &str, data: &Value) {
        self.queue_event(switches, &self.kit.named_id("evt"), self.now(), kind, data);
    }
}

fn read<T: DeserializeOwned>(act: Value) -> Result<T, String> {
    serde_json::from_value(act).map_err(|error| error.to_string())
}

/// Whether she is a minor, and who answers for her.
fn change_guardian(
    portal: &Portal,
    client: &str,
    minor: Option<bool>,
    guardian: Option<String>,
) -> Result<(), String> {
    let mut state = portal.state();
    let changed = state.client_mut(client)?;
    changed.minor = minor;
    changed.guardian = guardian;
    portal.tell_client(&state, client);
    Ok(())
}
