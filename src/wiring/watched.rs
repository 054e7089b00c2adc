//! The ports, each call of which is noted for the job that makes it: what was asked for, and whether it worked.
//!
//! Which capability a method needs stands here, once; adapters do not know of it. What has failed without a
//! vendor having been asked (a wrong id, something that is off) is not noted.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use relay_core::channel::EmailRecord;
use relay_core::clients::{
    BillingSnapshot, CheckIn, ClientSnapshot, Coach, ContactSnapshot, PortalMessage,
};
use relay_core::effects::{CardRemoval, request};
use relay_core::ids::{
    ClientId, CoachId, ContactId, CrmUserId, PaymentMethodId, SubscriptionId, TaskId,
};
use relay_core::incidents::Capability;
use relay_core::time::{Date, SignedDuration, Timestamp};
use relay_core::workflow::NotOffered;

use crate::ports::{
    Activity, Addresses, Among, Billing, CallError, CardRemoved, Changed, ContactMatch,
    ContactType, ContactTypeWrite, Contacts, FoundByMarker, FoundTask, HookRegistry, HookStatus,
    Mail, NewTask, Notes, OpenCheckIns, Portal, PortalNote, Ports, Staff, SyncWish, Synced,
    TagAdded, Tags, Task, TaskEnd, Tasks, TasksOf, WordTag,
};
use crate::rate_limit::note;
use crate::receipts::HintObject;

/// A port whose calls are noted.
#[derive(Debug)]
struct Watched<P: ?Sized>(Arc<P>);

/// The same ports, watched.
pub(super) fn watched(ports: Ports) -> Ports {
    Ports {
        portal: Arc::new(Watched(ports.portal)),
        contacts: Arc::new(Watched(ports.contacts)),
        mail: Arc::new(Watched(ports.mail)),
        addresses: Arc::new(Watched(ports.addresses)),
        tasks: Arc::new(Watched(ports.tasks)),
        notes: Arc::new(Watched(ports.notes)),
        tags: Arc::new(Watched(ports.tags)),
        billing: Arc::new(Watched(ports.billing)),
        staff: Arc::new(Watched(ports.staff)),
        hooks: Arc::new(Watched(ports.hooks)),
        connections: ports.connections,
    }
}

async fn noted<T>(
    capability: Capability,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let done = call.await;
    match &done {
        Ok(_) => note(capability, true),
        Err(error) if error.vendor.is_some() => note(capability, false),
        Err(_) => {}
    }
    done
}

macro_rules! watched {
    ($port:ident $([$($told:ident() -> $value:ty);*])? {
        $($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty = $capability:ident;)*
    }) => {
        #[async_trait]
        impl $port for Watched<dyn $port> {
            // What is known without a call.
            $($(fn $told(&self) -> $value {
                self.0.$told()
            })*)?
            $(async fn $method(&self, $($argument: $kind),*) -> Result<$answer, CallError> {
                noted(Capability::$capability, self.0.$method($($argument),*)).await
            })*
        }
    };
}

watched! {
    Contacts [are_there() -> bool] {
        contact(id: &ContactId, with_twins: bool) -> Option<ContactSnapshot> = ReadContacts;
        existing(ids: &[ContactId]) -> Vec<ContactId> = ReadContacts;
        by_email(email: &str) -> Vec<ContactMatch> = ReadContacts;
        contact_type(id: &ContactId) -> ContactType = ReadContacts;
        contact_types() -> Vec<String> = ReadContacts;
        set_contact_type(id: &ContactId, value: &str) -> ContactTypeWrite = ChangeContacts;
    }
}

watched! {
    Mail {
        history(contact: &ContactId, since: Timestamp) -> Vec<EmailRecord> = ReadMail;
        send(email: &request::Email, marker: &str) -> () = SendMail;
        find_sent(contact: &ContactId, subject: &str, markers: &[String], since: Timestamp)
            -> Option<FoundByMarker> = ReadMail;
    }
}

watched! {
    Addresses {
        moved(since: Timestamp) -> Option<Vec<Activity>> = ReadAddresses;
        address(contact: &ContactId) -> Option<String> = ReadAddresses;
        activity(contact: &ContactId) -> Option<Activity> = ReadAddresses;
    }
}

watched! {
    Tasks {
        create(task: NewTask<'_>, marker: &str) -> TaskId = WriteTasks;
        find(among: TasksOf<'_>, markers: &[String], since: Timestamp) -> Vec<FoundTask> = ReadTasks;
        task(id: &TaskId, sent: Option<&str>) -> Option<Task> = ReadTasks;
        complete(id: &TaskId, at: Timestamp, end: TaskEnd) -> () = WriteTasks;
        reassign(id: &TaskId, user: &CrmUserId) -> () = WriteTasks;
    }
}

watched! {
    Notes {
        create(note: &request::ContactNote, marker: &str) -> String = WriteNotes;
        find(contact: &ContactId, markers: &[String], since: Timestamp)
            -> Option<FoundByMarker> = ReadNotes;
    }
}

watched! {
    Tags {
        has(contact: &ContactId, tag: &str) -> bool = ReadTags;
        add(contact: &ContactId, tag: &str) -> TagAdded = ChangeTags;
        remove(contact: &ContactId, tag: &str) -> () = ChangeTags;
        words(contact: &ContactId) -> Vec<WordTag> = ReadTags;
        word_ids() -> BTreeSet<String> = ReadTags;
    }
}

watched! {
    Billing {
        snapshot(contact: &ContactId) -> BillingSnapshot = ReadBilling;
        auto_charge_off(subscription: &SubscriptionId, reason: &str) -> () = ChangeBilling;
        deactivate(subscription: &SubscriptionId, reason: &str) -> () = ChangeBilling;
        remove_card(contact: &ContactId, card: &PaymentMethodId, mode: CardRemoval)
            -> CardRemoved = ChangeBilling;
    }
}

watched! {
    Staff {
        user_by_email(email: &str) -> Option<CrmUserId> = ReadStaff;
    }
}

watched! {
    Portal [not_offered() -> NotOffered] {
        client(id: &ClientId) -> Option<ClientSnapshot> = ReadClients;
        client_of(contact: &ContactId) -> Option<ClientId> = ReadClients;
        check_ins(id: &ClientId, since: Date) -> Vec<CheckIn> = ReadCheckIns;
        open_check_ins(due_before: Date) -> OpenCheckIns = ReadCheckIns;
        messages(id: &ClientId, since: Timestamp) -> Vec<PortalMessage> = ReadMessages;
        send_message(key: &str, client: &ClientId, author: &CoachId, text: &str)
            -> String = SendMessages;
        notes(id: &ClientId, since: Timestamp) -> Vec<PortalNote> = ReadPortalNotes;
        add_note(key: &str, client: &ClientId, author: Option<&CoachId>, text: &str)
            -> String = WritePortalNotes;
        coaches() -> Vec<Coach> = ReadCoaches;
    }
}

#[async_trait]
impl HookRegistry for Watched<dyn HookRegistry> {
    fn every(&self) -> Option<SignedDuration> {
        self.0.every()
    }

    async fn prepare(&self) -> Result<(), CallError> {
        noted(Capability::KeepHooks, self.0.prepare()).await
    }

    async fn list(&self) -> Result<Vec<HookStatus>, CallError> {
        noted(Capability::KeepHooks, self.0.list()).await
    }

    async fn sync(&self, wish: SyncWish) -> Result<Synced, CallError> {
        noted(Capability::KeepHooks, self.0.sync(wish)).await
    }

    async fn changed_since(
        &self,
        object: HintObject,
        among: Among<'_>,
        since: Timestamp,
    ) -> Result<Vec<Changed>, CallError> {
        noted(
            Capability::ReadChanges,
            self.0.changed_since(object, among, since),
        )
        .await
    }
}
