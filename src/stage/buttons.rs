//! What can be pressed, and what happens then.
//!
//! A button is an act of a person: the client's and the coach's happen at the vendor whose tool
//! they use, a command to the relay goes to its engine as from the command line. Nothing is changed
//! on the page: what a press causes shows because the tools show it.

use relay_core::effects::Port;
use relay_core::facts::Order;
use relay_core::ids::{ClientId, WorkItemId};
use relay_store::{JobFilter, JobState, Page};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::bad_day::{Breakage, break_it, faults};
use super::fee::{in_lines, plan_of, stop_fee};
use super::{House, Stage};
use crate::engine::Engine;
use crate::engine::commands::replay::Preview;
use crate::engine::commands::{cases, replay, work};
use crate::sandbox::acting::Hands;
use crate::sandbox::vendors::Vendors;

/// Who does what a visitor does at the relay.
const VISITOR: &str = "visitor";

/// How long a text may be.
const LONGEST: usize = 2000;

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "press", rename_all = "snake_case", deny_unknown_fields)]
pub enum Press {
    /// The client opens an email: this one, or her newest.
    OpenEmail {
        /// The client who opens it.
        client: String,
        /// The email, by its id; `None` for her newest.
        email: Option<u64>,
    },
    /// The client submits her check-in.
    CheckIn {
        /// The client who submits it.
        client: String,
    },
    /// The client writes in the portal.
    Reply {
        /// The client who writes.
        client: String,
        /// The text of her message.
        text: String,
    },
    /// The client reads her messages in the portal.
    Read {
        /// The client who reads.
        client: String,
    },
    /// The coach completes the call task in the CRM.
    Call {
        /// Whom she called.
        client: String,
        /// The task, by its id; her latest open one if none is named.
        task: Option<String>,
        /// What she writes: `spoke`, `voicemail`, `no answer`, `wrong number`; or nothing.
        outcome: Option<String>,
    },
    /// The coach answers what her task in the CRM asks, and completes it.
    Answer {
        /// The client whom it is about.
        client: String,
        /// The task that she read, by its id: by now another may be the open one.
        task: String,
        /// What she writes behind `Answer:`.
        answer: String,
    },
    /// The coach has the contact type set, as from the command line.
    ContactType {
        /// The client whose contact it is.
        client: String,
        /// The contact type, as the drop-down spells it.
        value: String,
    },
    /// The coach has the coaching fee stopped, as from the command line.
    StopFee {
        /// The client who pays it.
        client: String,
        /// She has seen the plan. Money is touched only by somebody who has.
        confirmed: bool,
    },
    /// A vendor breaks.
    Break {
        /// Its name.
        vendor: String,
        /// In which way it breaks.
        how: Breakage,
        /// For how many requests; until it is healed if not said. Not for `hang`.
        times: Option<u32>,
    },
    /// A vendor heals.
    Heal {
        /// Its name.
        vendor: String,
    },
    /// An admin replays every dead job of a client (`jobs replay`).
    Replay {
        /// The client whose jobs are replayed.
        client: String,
    },
    /// A person settles a work item (`work done`).
    Settle {
        /// The work item, by its id.
        item: String,
        /// By which of its actions.
        action: String,
        /// What the action needs: a date, a reason, an outcome.
        text: Option<String>,
    },
}

/// A button of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockPress {
    /// What is done with the clock.
    #[serde(rename = "do")]
    pub what: Hand,
}

/// What can be done with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hand {
    /// Let it pass.
    Play,
    /// Let it stand.
    Pause,
    /// A pace slower.
    Slower,
    /// A pace faster.
    Faster,
    /// On to the next event.
    Next,
    /// From the beginning.
    Again,
}

/// A press that was carried out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pressed {
    /// What came of it.
    pub done: Value,
    /// How many presses have been carried out, this one included: a view that counts as many
    /// shows it.
    pub presses: u64,
}

impl Stage {
    /// Carries out a press. The error says why it could not happen.
    pub async fn press(&self, press: Press) -> Result<Pressed, String> {
        let done = match self.house() {
            House::Whole(show) => {
                let mut show = show.lock().await;
                let hands = show.play().hands().clone();
                let client = whose(&hands, &press).await;
                let told = press_with(&hands, &contacts(show.play().cast()), press.clone()).await;
                if told.is_ok() {
                    show.play_mut().take_over(client.as_deref());
                    show.note(client.as_deref(), press.in_words());
                    show.settle().await?;
                }
                told
            }
            House::Vendors(beside) => {
                let known = beside.cast.as_ref().map(contacts).unwrap_or_default();
                press_with(&beside.hands, &known, press).await
            }
        };
        let presses = self.carried_out();
        done.map(|done| Pressed { done, presses })
    }

    /// Does something with time.
    pub async fn press_clock(&self, press: ClockPress) -> Result<Pressed, String> {
        let House::Whole(show) = self.house() else {
            return Err(
                "this clock runs by itself, as fast as the sandbox was started with".to_owned(),
            );
        };
        let mut show = show.lock().await;
        let done = match press.what {
            Hand::Play | Hand::Pause => {
                show.set_running(press.what == Hand::Play);
                Ok(())
            }
            Hand::Slower | Hand::Faster => {
                show.change_pace(press.what == Hand::Faster);
                Ok(())
            }
            Hand::Next => show.next().await,
            Hand::Again => show.again().await,
        };
        drop(show);
        let presses = self.carried_out();
        done.map(|()| Pressed {
            done: Value::Null,
            presses,
        })
    }

    /// What stopping a client's coaching fee would change, in lines.
    pub async fn plan(&self, client: &str) -> Result<Value, String> {
        let engine = match self.house() {
            House::Whole(show) => show.lock().await.play().hands().engine.clone(),
            House::Vendors(beside) => beside.hands.engine.clone(),
        };
        let plan = plan_of(&engine.ok_or(ELSEWHERE)?, client).await?;
        Ok(json!(in_lines(&plan)))
    }
}

const ELSEWHERE: &str = "the relay runs elsewhere: use its command line";

/// Contacts that a cast knows, by client.
type Contacts = Vec<(String, u64)>;

fn contacts(cast: &crate::sandbox::cast::Cast) -> Contacts {
    let clients = cast.clients.iter();
    clients
        .filter_map(|client| Some((client.id.clone(), client.contact.parse().ok()?)))
        .collect()
}

/// In whose story a press happens; `None`: in everybody's.
async fn whose(hands: &Hands, press: &Press) -> Option<String> {
    let Press::Settle { item, .. } = press else {
        return press.client().map(str::to_owned);
    };
    let store = &hands.engine.as_ref()?.store;
    let item = store.work_item(item.parse().ok()?).await.ok()??;
    item.client.map(|client| client.to_string())
}

impl Press {
    /// The client that it names.
    fn client(&self) -> Option<&str> {
        match self {
            Self::OpenEmail { client, .. }
            | Self::CheckIn { client }
            | Self::Reply { client, .. }
            | Self::Read { client }
            | Self::Call { client, .. }
            | Self::Answer { client, .. }
            | Self::ContactType { client, .. }
            | Self::StopFee { client, .. }
            | Self::Replay { client } => Some(client),
            Self::Break { .. } | Self::Heal { .. } | Self::Settle { .. } => None,
        }
    }

    /// What happens, as an onlooker tells it.
    fn in_words(&self) -> String {
        match self {
            Self::OpenEmail { .. } => "opens an email".to_owned(),
            Self::CheckIn { .. } => "submits her check-in in the portal".to_owned(),
            Self::Reply { text, .. } => format!("writes in the portal: {text}"),
            Self::Read { .. } => "reads her messages in the portal".to_owned(),
            Self::Call { outcome, .. } => {
                let outcome = outcome.as_deref().unwrap_or("no outcome written");
                format!("her coach completes the call task: {outcome}")
            }
            Self::Answer { answer, .. } => format!("her coach answers in her task: {answer}"),
            Self::ContactType { value, .. } => {
                format!("her coach has the contact type set to {value}")
            }
            Self::StopFee { .. } => "her coach has the coaching fee stopped".to_owned(),
            Self::Break { vendor, how, .. } => match how {
                Breakage::Unavailable => format!("{vendor} is down"),
                Breakage::Hang => format!("{vendor} hangs after its work"),
            },
            Self::Heal { vendor } => format!("{vendor} is well again"),
            Self::Replay { .. } => "an admin replays her dead jobs".to_owned(),
            Self::Settle { action, .. } => {
                format!("settles a work item: {}", action.replace('_', " "))
            }
        }
    }
}

async fn press_with(hands: &Hands, known: &Contacts, press: Press) -> Result<Value, String> {
    let vendors = &hands.vendors;
    let engine = || hands.engine.as_ref().ok_or_else(|| ELSEWHERE.to_owned());
    match press {
        Press::OpenEmail { client, email } => {
            let contact = contact(vendors, known, &client)?;
            let act = json!({ "act": "open_email", "contact": contact, "email": email });
            vendors.at(Port::Crm)?.emulator.act(act)
        }
        Press::CheckIn { client } => {
            let act = json!({ "act": "check_in", "client": client });
            vendors.of_check_ins()?.emulator.act(act)
        }
        Press::Reply { client, text } => {
            let text = checked(&text, "text")?;
            let act = json!({ "act": "client_writes", "client": client, "text": text });
            vendors.at(Port::Portal)?.emulator.act(act)
        }
        Press::Read { client } => {
            let act = json!({ "act": "client_reads", "client": client });
            vendors.at(Port::Portal)?.emulator.act(act)
        }
        Press::Call {
            client,
            task,
            outcome,
        } => {
            let contact = contact(vendors, known, &client)?;
            let outcome = outcome.map(|said| checked(&said, "outcome").map(str::to_owned));
            let text = outcome.transpose()?.map(|said| format!("Outcome: {said}"));
            let task = task.as_deref().map(task_id).transpose()?;
            let act =
                json!({ "act": "complete_task", "task": task, "contact": contact, "text": text });
            vendors.at(Port::Crm)?.emulator.act(act)
        }
        Press::Answer {
            client,
            task,
            answer,
        } => {
            contact(vendors, known, &client)?;
            let task = task_id(&task)?;
            let text = format!("Answer: {}", checked(&answer, "answer")?);
            let act = json!({ "act": "complete_task", "task": task, "text": text });
            vendors.at(Port::Crm)?.emulator.act(act)
        }
        Press::ContactType { client, value } => {
            let value = checked(&value, "value")?.to_owned();
            order(engine()?, &client, Order::SetContactType { value }).await
        }
        Press::StopFee { client, confirmed } => stop_fee(engine()?, &client, confirmed).await,
        Press::Break { vendor, how, times } => {
            break_it(faults(vendors, &vendor)?, how, times).map(|()| Value::Null)
        }
        Press::Heal { vendor } => {
            faults(vendors, &vendor)?.clear();
            Ok(Value::Null)
        }
        Press::Replay { client } => replay(engine()?, &client).await,
        Press::Settle { item, action, text } => {
            let engine = engine()?;
            let id: WorkItemId = item
                .parse()
                .map_err(|_| format!("item: {item} is no id of a work item"))?;
            let text = text.as_deref().filter(|text| !text.trim().is_empty());
            let done = work::settle_work(engine, id, VISITOR, &action, text).await;
            done.map(|()| Value::Null).map_err(told)
        }
    }
}

/// The contact of a client: as the cast says, else as the portal does.
fn contact(vendors: &Vendors, known: &Contacts, client: &str) -> Result<u64, String> {
    if let Some((_, contact)) = known.iter().find(|(id, _)| id == client) {
        return Ok(*contact);
    }
    let mut clients = vendors.clients().into_iter();
    let seen = clients.find(|known| known.id == client);
    let seen = seen.ok_or_else(|| format!("client: there is nobody with the id {client}"))?;
    let contact = seen.contact;
    contact.ok_or_else(|| format!("client: the portal links {client} to no contact"))
}

/// A text that a person typed.
fn task_id(task: &str) -> Result<u64, String> {
    let id = task.parse();
    id.map_err(|_| "task: name a task of the CRM by its id".to_owned())
}

fn checked<'a>(text: &'a str, name: &str) -> Result<&'a str, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("{name}: write something"));
    }
    if text.chars().count() > LONGEST {
        return Err(format!("{name}: write at most {LONGEST} characters"));
    }
    Ok(text)
}

pub(super) async fn order(engine: &Engine, client: &str, order: Order) -> Result<Value, String> {
    let done = cases::order(engine, &ClientId::from(client), VISITOR, order).await;
    done.map(|case| json!(case)).map_err(told)
}

async fn replay(engine: &Engine, client: &str) -> Result<Value, String> {
    let filter = JobFilter {
        states: vec![JobState::Dead],
        client: Some(ClientId::from(client)),
        ..JobFilter::default()
    };
    let page = Page {
        offset: 0,
        limit: 1000,
    };
    let dead = engine.store.jobs(&filter, page).await.map_err(told)?;
    if dead.is_empty() {
        return Err("she has no dead job".to_owned());
    }
    let mut told_of = Vec::new();
    for job in dead {
        let preview = replay::replay(engine, job.id, VISITOR)
            .await
            .map_err(told)?;
        told_of.push(match preview {
            Preview::AlreadyDone { .. } => "already done".to_owned(),
            Preview::WillSend => "will send".to_owned(),
            Preview::WillRun => "will run".to_owned(),
            Preview::NeedsYou { why } | Preview::Nothing { why } => why,
        });
    }
    Ok(json!(told_of))
}

pub(super) fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
