//! Reads a database through the store's port, list by list.

use relay_core::case::{Case, CaseStatus};
use relay_core::ids::EffectKey;
use relay_store::{CaseFilter, Effect, Job, JobFilter, Receipt, ReceiptState, Store, WorkItem};

use crate::edge::clinic::ALL;

/// Every case.
pub(crate) async fn cases(store: &dyn Store) -> Vec<Case> {
    let filter = CaseFilter {
        closed: true,
        ..CaseFilter::default()
    };
    store.cases(&filter, ALL).await.expect("cases")
}

/// Every case that is not closed.
pub(crate) async fn open_cases(store: &dyn Store) -> Vec<Case> {
    let mut all = cases(store).await;
    all.retain(|case| !case.status.is_closed());
    all
}

/// Every effect of a case, and every other that has a job.
pub(crate) async fn effects(store: &dyn Store) -> Vec<Effect> {
    let mut all = Vec::new();
    for case in cases(store).await {
        all.extend(store.effects(case.id).await.expect("effects"));
    }
    for job in jobs(store)
        .await
        .into_iter()
        .filter(|job| job.case.is_none())
    {
        if let Some(key) = job.payload["effect"].as_str() {
            let key = EffectKey(key.to_owned());
            all.extend(store.effect(&key).await.expect("an effect"));
        }
    }
    all
}

/// Every job.
pub(crate) async fn jobs(store: &dyn Store) -> Vec<Job> {
    store.jobs(&JobFilter::default(), ALL).await.expect("jobs")
}

/// Every work item that is open, or of a case.
pub(crate) async fn work(store: &dyn Store) -> Vec<WorkItem> {
    let mut all = store.open_work(None, ALL).await.expect("work items");
    for case in cases(store).await {
        let of_case = store.case_work(case.id).await.expect("work items");
        all.extend(of_case.into_iter().filter(|item| item.settled.is_some()));
    }
    all
}

/// Every receipt.
pub(crate) async fn receipts(store: &dyn Store) -> Vec<Receipt> {
    let mut all = Vec::new();
    for state in ReceiptState::ALL {
        all.extend(store.receipts(*state, ALL).await.expect("receipts"));
    }
    all
}

/// What a case is called in a test's words.
pub(crate) fn called(case: &Case) -> String {
    let status = match &case.status {
        CaseStatus::Open => "open".to_owned(),
        CaseStatus::Paused { reason }
        | CaseStatus::Held { reason }
        | CaseStatus::Closed { reason } => format!("{}: {reason}", case.status.as_str()),
    };
    format!(
        "{} of {} in {} ({status})",
        case.procedure, case.client, case.step
    )
}
