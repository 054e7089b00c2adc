//! What people do with the list.
//!
//! Each act has a method and a JSON form, `{"act": NAME, …}`, for [`ClinicList::act`]. Those that the
//! emulated portal has, too, are called as there and have the same members, so that one story can be played
//! on either:
//!
//! | act | members |
//! |---|---|
//! | `add_coach` | `id`, `name`, `email` |
//! | `rename_coach` | `id`, `name` |
//! | `add_client` | as [`NewClient`] |
//! | `add_check_in` | `client`, `id`, `due`, `due_at`? (a list has days only) |
//! | `check_in` | `client`, `check_in`?, `complete`? (a list has no incomplete ones) |
//! | `reschedule` | `check_in`, `due` |
//! | `withdraw` | `check_in` |
//! | `change_regimen` | `client` |
//! | `change_coach` | `client`, `coach` |
//! | `change_status` | `client`, `status`, `break_until`? |
//! | `change_guardian` | `client`, `minor`?, `guardian`? |
//! | `end_program`, `reactivate` | `client` |
//! | `raise`, `forge` | `rows` |
//! | `switch` | as [`Switches`]; those not named go off |
//!
//! A list's own:
//!
//! | act | members |
//! |---|---|
//! | `send_all` | none: the whole list as it is, delivered |
//! | `export` | none: answers with the whole list as a CSV `file` |

use relay_core::time::{Date, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::list::ClinicList;
use super::settings::{NewClient, Switches};
use super::state::{CheckIn, Coach, about};

#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
enum Act {
    AddCoach {
        id: String,
        name: String,
        #[serde(rename = "email")]
        _email: String,
    },
    RenameCoach {
        id: String,
        name: String,
    },
    AddCheckIn {
        client: String,
        id: String,
        due: Date,
        #[serde(rename = "due_at")]
        _due_at: Option<Timestamp>,
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
        rows: Vec<Map<String, Value>>,
    },
    Forge {
        rows: Vec<Map<String, Value>>,
    },
    SendAll,
    Export,
}

impl ClinicList {
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
            let added = self.add_client(read::<NewClient>(act)?);
            return added.map(|()| Value::Null);
        }
        play(self, read(act)?)
    }

    /// A coach joins. The list has her id beside her clients, and tells nothing else of her.
    pub fn add_coach(&self, id: &str, name: &str) -> Result<(), String> {
        let mut state = self.state();
        if state.has_coach(id) {
            return Err(format!("coach {id} is there already"));
        }
        state.coaches.push(Coach {
            id: id.to_owned(),
            name: name.to_owned(),
        });
        Ok(())
    }

    /// A coach takes another name. Nothing is told.
    pub fn rename_coach(&self, id: &str, name: &str) -> Result<(), String> {
        let mut state = self.state();
        let coach = state.coaches.iter_mut().find(|coach| coach.id == id);
        let coach = coach.ok_or_else(|| format!("no coach {id}"))?;
        name.clone_into(&mut coach.name);
        Ok(())
    }

    /// A client joins.
    pub fn add_client(&self, client: NewClient) -> Result<(), String> {
        let mut state = self.state();
        if state.client(&client.id).is_some() {
            return Err(format!("client {} is there already", client.id));
        }
        if let Some(coach) = client.coach.as_deref().filter(|id| !state.has_coach(id)) {
            return Err(format!("no coach {coach}"));
        }
        self.tell(state.switches, about(&client));
        state.clients.push(client);
        Ok(())
    }

    /// A check-in is asked for. It is told at once, whenever it is due.
    pub fn add_check_in(&self, client: &str, id: &str, due: Date) -> Result<(), String> {
        let mut state = self.state();
        state.client_mut(client)?;
        if state.check_in_mut(id).is_ok() {
            return Err(format!("check-in {id} is there already"));
        }
        let check_in = CheckIn {
            id: id.to_owned(),
            client: client.to_owned(),
            due,
            submitted_at: None,
            withdrawn: false,
        };
        self.tell(state.switches, check_in.row(state.switches));
        state.check_ins.push(check_in);
        Ok(())
    }

    /// The client submits `check_in`, or her open one that is due first. Returns its id.
    pub fn submit(&self, client: &str, check_in: Option<&str>) -> Result<String, String> {
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
        self.tell(switches, submitted.row(switches));
        Ok(submitted.id.clone())
    }

    /// The clinic moves a check-in to another day.
    pub fn reschedule(&self, check_in: &str, due: Date) -> Result<(), String> {
        let mut state = self.state();
        let switches = state.switches;
        let moved = state.check_in_mut(check_in)?;
        if switches.no_check_in_ids && moved.due != due {
            let gone = CheckIn {
                withdrawn: true,
                ..moved.clone()
            };
            self.tell(switches, gone.row(switches));
        }
        moved.due = due;
        self.tell(switches, moved.row(switches));
        Ok(())
    }

    /// The clinic withdraws a check-in.
    pub fn withdraw(&self, check_in: &str) -> Result<(), String> {
        let mut state = self.state();
        let switches = state.switches;
        let withdrawn = state.check_in_mut(check_in)?;
        withdrawn.withdrawn = true;
        self.tell(switches, withdrawn.row(switches));
        Ok(())
    }

    /// The coach changes the regimen: `R` is today, clinic time.
    pub fn change_regimen(&self, client: &str) -> Result<(), String> {
        let today = self.settings.zone.to_datetime(self.now()).date();
        self.change(client, |changed| changed.last_regimen_change = Some(today))
    }

    /// The client gets another coach.
    pub fn change_coach(&self, client: &str, coach: &str) -> Result<(), String> {
        if !self.state().has_coach(coach) {
            return Err(format!("no coach {coach}"));
        }
        self.change(client, |changed| changed.coach = Some(coach.to_owned()))
    }

    /// The client's status changes, to any word.
    pub fn change_status(
        &self,
        client: &str,
        status: &str,
        break_until: Option<Date>,
    ) -> Result<(), String> {
        self.change(client, |changed| {
            changed.status = Some(status.to_owned());
            changed.break_until = break_until;
        })
    }

    /// Whether she is a minor, and who answers for her.
    pub fn change_guardian(
        &self,
        client: &str,
        minor: Option<bool>,
        guardian: Option<String>,
    ) -> Result<(), String> {
        self.change(client, |changed| {
            changed.minor = minor;
            changed.guardian = guardian;
        })
    }

    fn change(&self, client: &str, change: impl FnOnce(&mut NewClient)) -> Result<(), String> {
        let mut state = self.state();
        let switches = state.switches;
        let changed = state.client_mut(client)?;
        change(changed);
        self.tell(switches, about(changed));
        Ok(())
    }
}

fn play(list: &ClinicList, act: Act) -> Result<Value, String> {
    let nothing = |()| Value::Null;
    let made = |id: String| json!({"id": id});
    match act {
        Act::AddCoach { id, name, .. } => list.add_coach(&id, &name).map(nothing),
        Act::RenameCoach { id, name } => list.rename_coach(&id, &name).map(nothing),
        Act::AddCheckIn {
            client, id, due, ..
        } => list.add_check_in(&client, &id, due).map(nothing),
        Act::CheckIn {
            complete: Some(false),
            ..
        } => Err("a list has no incomplete check-ins".to_owned()),
        Act::CheckIn {
            client, check_in, ..
        } => list.submit(&client, check_in.as_deref()).map(made),
        Act::Reschedule { check_in, due } => list.reschedule(&check_in, due).map(nothing),
        Act::Withdraw { check_in } => list.withdraw(&check_in).map(nothing),
        Act::ChangeRegimen { client } => list.change_regimen(&client).map(nothing),
        Act::ChangeCoach { client, coach } => list.change_coach(&client, &coach).map(nothing),
        Act::ChangeStatus {
            client,
            status,
            break_until,
        } => list
            .change_status(&client, &status, break_until)
            .map(nothing),
        Act::ChangeGuardian {
            client,
            minor,
            guardian,
        } => list.change_guardian(&client, minor, guardian).map(nothing),
        Act::EndProgram { client } => list.change_status(&client, "quit", None).map(nothing),
        Act::Reactivate { client } => list.change_status(&client, "online", None).map(nothing),
        Act::Raise { rows } => Ok(made(list.raise(rows))),
        Act::Forge { rows } => Ok(made(list.forge(rows))),
        Act::SendAll => Ok(json!({"ids": list.send_all()})),
        Act::Export => Ok(json!({"file": list.file()})),
    }
}

fn read<T: DeserializeOwned>(act: Value) -> Result<T, String> {
    serde_json::from_value(act).map_err(|error| error.to_string())
}
