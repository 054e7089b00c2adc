//! The ports, as vendors fill them: each by one vendor, all of them before a relay can work.

use std::sync::Arc;

use super::runtime::AssembleError;
use crate::ports::{
    Addresses, Billing, Connections, Contacts, HookRegistry, Mail, Notes, Portal, Ports, Staff,
    Tags, Tasks,
};

macro_rules! port_set {
    ($($port:ident: $kind:ident, $words:literal;)*) => {
        /// What vendors stand in for so far.
        #[derive(Debug, Default)]
        pub(crate) struct PortSet {
            $(pub(crate) $port: Option<Arc<dyn $kind>>,)*
        }

        impl PortSet {
            /// Adds what another vendor provides. Two can't provide the same.
            pub(super) fn add(&mut self, more: Self) -> Result<(), AssembleError> {
                $(match (&self.$port, more.$port) {
                    (Some(_), Some(_)) => return Err(AssembleError::Twice { port: $words }),
                    (None, Some(port)) => self.$port = Some(port),
                    (_, None) => {}
                })*
                Ok(())
            }

            /// All of them, or the first that nobody provides.
            pub(super) fn whole(
                self,
                connections: Arc<dyn Connections>,
            ) -> Result<Ports, AssembleError> {
                Ok(Ports {
                    $($port: self.$port.ok_or(AssembleError::Nobody { port: $words })?,)*
                    connections,
                })
            }
        }
    };
}

port_set! {
    portal: Portal, "the client portal";
    contacts: Contacts, "contacts";
    mail: Mail, "email";
    addresses: Addresses, "the state of email addresses";
    tasks: Tasks, "call tasks";
    notes: Notes, "notes on contacts";
    tags: Tags, "tags on contacts";
    billing: Billing, "subscriptions and cards";
    staff: Staff, "the staff's users";
    hooks: HookRegistry, "subscriptions to webhooks";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::NoConnections;

    #[test]
    fn a_relay_without_a_vendor_for_a_port_is_refused_by_the_ports_name() {
        let refused = PortSet::default().whole(Arc::new(NoConnections));
        let refused = refused.expect_err("nobody provides anything").to_string();
        assert_eq!(
            refused,
            "no vendor that is on provides the client portal: a missed check-in can't be followed up \
             without it"
        );
    }
}
