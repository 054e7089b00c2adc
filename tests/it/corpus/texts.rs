//! Every stored structure with all its variants, as this version writes them: what the corpus keeps as
//! text, and the documents that rows made by hand hold.

use std::collections::BTreeMap;
use std::path::Path;

use relay_core::case::Mode;
use relay_core::effects::EffectKind;
use relay_core::incidents::{Capability, IncidentClass};
use relay_core::procedure::MissedCheckInProcedure;
use relay_core::time::Timestamp;
use relay_core::workflow::{NewWork, ReadKind};
use serde::Serialize;
use serde_json::{Value, json};

use super::samples::{
    actions, addresses, all_settled, billing, case_statuses, client, contact, date, evidence,
    fact_bodies, input, inputs, instant, key, orders, reading, request, statuses, waits,
};

/// The file in a folder of the corpus.
pub(crate) const FILE: &str = "texts.json";

/// What a work item of each kind holds for its person, as the engine writes it.
pub(crate) fn detail(kind: &str) -> Value {
    match kind {
        "hold" | "held" => {
            json!({ "reason": "nothing was sent", "ready": request(EffectKind::Email) })
        }
        "call_outcome" => json!({ "escalate": { "to": "program_manager", "at": instant() } }),
        "billing" => json!({ "subscription": "901", "active": true, "auto_charge": true,
                             "next_bill_date": date() }),
        "stale" => json!({ "step": "by_hand", "changed_at": instant() }),
        _ => json!({ "reason": "something to look at" }),
    }
}

/// What a job of each kind needs, where no job of that kind is to be found: what it names is not
/// there any more.
pub(crate) fn payload(kind: &str) -> Value {
    let hint = json!({ "object": "contact", "id": "99901", "at": instant(), "deleted": false });
    let case = "019a0000-0000-7000-8000-000000000000";
    match kind {
        "timer" => json!({ "case": case, "generation": 1 }),
        "effect" => json!({ "effect": key(), "kind": EffectKind::Email }),
        "read" => json!({ "case": case, "read": ReadKind::MailHistory,
                          "step": "choose_channel", "visit": 1 }),
        "missed_check" => json!({ "check_in": "ci_nobody", "due": date(), "due_at": instant() }),
        "reread" => json!({ "hint": hint, "receipt": "gap/2026-11-13T16:00:00Z" }),
        "reread_batch" => json!({ "from": "gap/2026-11-13T16:00:00Z",
                                  "contacts": [{ "hint": hint, "clients": ["nell"] }] }),
        "refresh" => json!({ "case": case }),
        "engagement_read" => json!({ "contact": "99901", "moved_at": instant(),
                                     "queued_at": instant() }),
        "reminder" => json!({ "work_item": case }),
        "incident" => json!({ "vendor": "corpus" }),
        _ => json!({}),
    }
}

/// A vendor's limiter state with everything there is to remember.
pub(crate) fn pace() -> Value {
    let at = instant();
    let last = json!({ "turn": at, "behind": at });
    json!({
        "budget": { "full_at": at },
        "quota": {
            "known": [
                { "window": "key_minute", "available": 3, "limit": 240, "until": at },
                { "window": "key_day", "available": 3, "limit": null, "until": at },
                { "window": "tenant_minute", "available": 3, "limit": 240, "until": at },
                { "window": "tenant_day", "available": 3, "limit": 9000, "until": at },
            ],
            "spread_until": at,
        },
        "breaker": { "failures": 1, "openings": 1, "open_until": at, "trial_until": at },
        "paused_until": at,
        "refusals": 1,
        "line": { "background": last, "normal": last, "deadline": last },
        "cost": 24,
        "trouble": { "since": at, "last": at, "until": at, "why": "used_up",
                     "window": "key_day", "told": true },
        "kept_at": at,
        "set_back": false,
    })
}

/// A vendor's incidents with everything there is to remember.
pub(crate) fn incidents() -> Value {
    let at = instant();
    let job = "019a0000-0000-7000-8000-000000000001";
    let failing = |scope: Value| {
        json!({
            "scope": scope,
            "met": [{ "client": "nell", "job": job, "since": at, "until": at, "dead": true },
                    { "client": null, "job": job, "since": at, "until": at, "dead": false }],
            "open_since": at, "last": at, "successes": 1, "accepts": true, "try_at": at,
        })
    };
    let mut scopes = vec![failing(json!("everything"))];
    scopes.extend(Capability::ALL.map(|capability| failing(json!({ "only": capability }))));
    let episode = json!({
        "failing": scopes,
        "since": at, "answered_at": at,
        "held": [{ "job": job, "until": at, "gone_on": true, "refused": 1, "refused_since": at }],
        "let_go": true, "unproven": true, "met_last": at,
    });
    let classes = IncidentClass::ALL.map(|class| (class.as_str().to_owned(), episode.clone()));
    json!({ "classes": serde_json::Map::from_iter(classes) })
}

/// Every setting there is, by its key.
pub(crate) fn settings(now: Timestamp) -> Vec<(&'static str, Value)> {
    vec![
        (
            "outreach",
            json!({ "stopped": true, "by": "Robin", "at": now, "reason": null }),
        ),
        ("seen/contact/651", json!(now)),
        ("seen/task/41", json!(now)),
        ("seen/subscription/901", json!(now)),
        ("stopped_subscription/901", json!("cora")),
        (
            "hook_watch",
            json!({
                "looked_at": now,
                "events": { "contact.edit": {
                    "awake_at": now, "missing_since": now, "not_offered": false, "tries": 1,
                    "next_try": now, "problem": "it sleeps",
                    "last_gap": { "from": now, "until": now },
                } },
                "recovered": { "contact": { "at": now, "changes": 1, "total": 2 } },
            }),
        ),
        ("hook_watch/asked", json!({ "since": now, "at": now })),
        ("hook_paths/closed", json!({ "old": "0a0b0c0d" })),
        ("hook_handshake/keap", json!(now)),
        ("engagement_watermark", json!(now)),
        ("engagement_cursor", json!("651")),
        ("switched_on/missed_check_in/propose", json!(now)),
        (
            "clock",
            json!({ "real": now, "procedure": now, "scale": 1 }),
        ),
    ]
}

fn values<T: Serialize>(all: impl IntoIterator<Item = T>) -> Vec<Value> {
    all.into_iter()
        .map(|one| serde_json::to_value(one).expect("JSON"))
        .collect()
}

/// Every stored structure with all its variants, as this version writes them.
pub(crate) fn all() -> BTreeMap<String, Vec<Value>> {
    let shipped = MissedCheckInProcedure::shipped().expect("the shipped procedure");
    let body = shipped.to_body().expect("a body");
    let work = NewWork {
        kind: "hold".to_owned(),
        owner: "coach_beth".to_owned(),
        title: "Held".to_owned(),
        detail: detail("hold"),
        actions: vec!["resume".to_owned()],
        notice: false,
        due: instant(),
        remind_at: instant(),
    };
    let members = [
        ("EffectInput", values(EffectKind::ALL.map(input))),
        ("Request", values(EffectKind::ALL.map(request))),
        ("EffectKind", values(EffectKind::ALL)),
        ("Settled", values(all_settled())),
        ("Input", values(inputs())),
        ("Action", values(actions())),
        ("FactBody", values(fact_bodies())),
        ("Order", values(orders())),
        ("Wait", values(waits())),
        ("CaseStatus", values(case_statuses())),
        ("Mode", values([Mode::Propose, Mode::Act])),
        ("ClientStatus", values(statuses())),
        ("ClientSnapshot", values([client()])),
        (
            "ContactSnapshot",
            values(addresses().into_iter().map(contact)),
        ),
        (
            "MailEvidence",
            values(addresses().into_iter().map(evidence)),
        ),
        ("BillingSnapshot", values([billing()])),
        ("GuardReading", values([reading()])),
        ("NewWork", values([work])),
        ("Parameters", values([shipped.parameters.clone()])),
        ("Scripts", values([shipped.scripts.clone()])),
        ("ProcedureBody", vec![body]),
        ("Pace", vec![pace()]),
        ("Incidents", vec![incidents()]),
    ];
    members
        .into_iter()
        .map(|(name, values)| (name.to_owned(), values))
        .collect()
}

/// Writes the texts of this version.
pub(crate) fn write(folder: &Path) {
    let text = serde_json::to_string_pretty(&all()).expect("JSON");
    std::fs::write(folder.join(FILE), text + "\n").expect("written");
}
