//! The ports, as vendors fill them: each by one vendor. The portal's before a relay can work; those of the CRM by one
//! that has them all, or by nobody.

use std::sync::Arc;

use super::runtime::AssembleError;
use crate::ports::{
    Addresses, Billing, Connections, Contacts, HookRegistry, Mail, NoCrm, NoHooks, NoStaffTools,
    Notes, Portal, Ports, Staff, Tags, Tasks,
};

macro_rules! port_set {
    (
        needed { $($needed:ident: $needed_kind:ident, $needed_words:literal;)* }
        or_none { $($port:ident: $kind:ident, $words:literal, $none:ident;)* }
    ) => {
        /// What vendors stand in for so far.
        #[derive(Debug, Default)]
        pub(crate) struct PortSet {
            $(pub(crate) $needed: Option<Arc<dyn $needed_kind>>,)*
            $(pub(crate) $port: Option<Arc<dyn $kind>>,)*
        }

        impl PortSet {
            /// Adds what another vendor provides. Two can't provide the same.
            pub(super) fn add(&mut self, more: Self) -> Result<(), AssembleError> {
                $(merge(&mut self.$needed, more.$needed, $needed_words)?;)*
                $(merge(&mut self.$port, more.$port, $words)?;)*
                Ok(())
            }

            /// All of them, or the first that is needed and nobody provides. A CRM that provides some of its ports
            /// provides all; where there is none, all of them refuse each call.
            pub(super) fn whole(
                mut self,
                connections: Arc<dyn Connections>,
            ) -> Result<Ports, AssembleError> {
                if !($(self.$port.is_some())||*) {
                    $(self.$port = Some(Arc::new($none));)*
                }
                Ok(Ports {
                    $($port: self.$port.ok_or(AssembleError::Nobody { port: $words })?,)*
                    $($needed: self.$needed.ok_or(AssembleError::Nobody { port: $needed_words })?,)*
                    connections,
                })
            }
        }
    };
}

fn merge<T: ?Sized>(
    port: &mut Option<Arc<T>>,
    more: Option<Arc<T>>,
    words: &'static str,
) -> Result<(), AssembleError> {
    match (&port, more) {
        (Some(_), Some(_)) => return Err(AssembleError::Twice { port: words }),
        (None, Some(more)) => *port = Some(more),
        (_, None) => {}
    }
    Ok(())
}

port_set! {
    needed {
        portal: Portal, "the client portal";
    }
    or_none {
        contacts: Contacts, "contacts", NoCrm;
        mail: Mail, "email", NoCrm;
        addresses: Addresses, "the state of email addresses", NoCrm;
        tasks: Tasks, "call tasks", NoStaffTools;
        notes: Notes, "notes on contacts", NoStaffTools;
        tags: Tags, "tags on contacts", NoStaffTools;
        billing: Billing, "subscriptions and cards", NoCrm;
        staff: Staff, "the staff's users", NoCrm;
        hooks: HookRegistry, "subscriptions to webhooks", NoHooks;
    }
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

    #[test]
    fn half_a_crm_is_refused_by_the_name_of_what_it_lacks() {
        let half = PortSet {
            contacts: Some(Arc::new(NoCrm)),
            ..PortSet::default()
        };
        let refused = half.whole(Arc::new(NoConnections));
        let refused = refused.expect_err("half a CRM").to_string();
        assert!(refused.contains("provides email:"), "{refused}");
    }
}
