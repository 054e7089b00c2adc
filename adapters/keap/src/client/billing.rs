//! Subscriptions, cards, products and orders.
//!
//! Every write here is believed when it has been read back, not when it is answered; where Keap
//! shows nothing to read back, the answer says so ([`Removed::Listed`]). None creates a charge. The
//! amounts that Keap shows are never computed with: whether they are dollars or cents is not
//! documented.

use http::Method;
use relay_core::retry::Class;
use relay_http_client::CallError;
use serde_json::json;

use super::{KeapClient, decode, segment, unfilterable};
use crate::VENDOR;
use crate::query::Query;
use crate::types::{Order, PaymentMethod, Product, Subscription};

/// What became of a card that was made inactive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The list doesn't have it any more.
    Gone,
    /// Keap accepted it, and lists the card as before.
    Listed,
}

impl KeapClient {
    /// Every subscription of the contact, active or not.
    pub async fn subscriptions(&self, contact: &str) -> Result<Vec<Subscription>, CallError> {
        const OPERATION: &str = "keap list subscriptions";
        let query = of_contact(OPERATION, contact)?;
        let mut found: Vec<Subscription> = self
            .list(OPERATION, &["v2", "subscriptions"], &query, "subscriptions")
            .await?;
        found.retain(|subscription| subscription.contact_id.as_deref() == Some(contact));
        Ok(found)
    }

    /// A subscription; `None` if it is gone: by Keap's own error *and* its list.
    pub async fn subscription(&self, id: &str) -> Result<Option<Subscription>, CallError> {
        const OPERATION: &str = "keap get subscription";
        self.read_if_listed(OPERATION, ("subscriptions", "ids"), id, &Query::new())
            .await
    }

    /// Takes a subscription off auto-charge, with the reason, and checks that Keap says so. One
    /// that is off already is left alone; one that is not there is an error.
    pub async fn auto_charge_off(&self, id: &str, reason: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap auto-charge off";
        if self.present(OPERATION, id).await?.auto_charge == Some(false) {
            return Ok(());
        }
        let body = json!({"auto_charge": false, "reason_stopped": reason});
        let query = Query::new()
            .with("update_mask", "auto_charge")
            .with("update_mask", "reason_stopped");
        let path = ["v2", "subscriptions", segment(OPERATION, id)?];
        let answer = self
            .write(OPERATION, Method::PATCH, &path, &query, Some(&body))
            .await?;
        let shown: Option<Subscription> = decode(OPERATION, &answer.body).ok();
        if shown.and_then(|s| s.auto_charge) == Some(false) {
            return Ok(());
        }
        match self.present(OPERATION, id).await?.auto_charge {
            Some(false) => Ok(()),
            _ => Err(not_yet(OPERATION, "it still charges by itself")),
        }
    }

    /// Makes a subscription inactive, with the reason, and checks that Keap says so. One that is
    /// inactive already is left alone; one that is not there is an error.
    pub async fn deactivate_subscription(&self, id: &str, reason: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap deactivate subscription";
        if self.present(OPERATION, id).await?.active == Some(false) {
            return Ok(());
        }
        let action = format!("{}:deactivate", segment(OPERATION, id)?);
        let path = ["v2", "subscriptions", &action];
        let body = json!({"reason": reason});
        self.write(OPERATION, Method::POST, &path, &Query::new(), Some(&body))
            .await?;
        match self.present(OPERATION, id).await?.active {
            Some(false) => Ok(()),
            _ => Err(not_yet(OPERATION, "it is still active")),
        }
    }

    async fn present(&self, operation: &'static str, id: &str) -> Result<Subscription, CallError> {
        self.subscription(id).await?.ok_or_else(|| CallError {
            vendor: Some(VENDOR),
            class: Class::Permanent,
            operation,
            status: Some(404),
            message: "there is no such subscription".to_owned(),
        })
    }

    /// Every stored card of the contact. A deactivated one may still be listed: Keap shows no
    /// such state.
    pub async fn payment_methods(&self, contact: &str) -> Result<Vec<PaymentMethod>, CallError> {
        const OPERATION: &str = "keap list payment methods";
        let path = [
            "v2",
            "contacts",
            segment(OPERATION, contact)?,
            "paymentMethods",
        ];
        let query = Query::new().with("page_size", "100");
        self.whole_list(OPERATION, &path, &query, "records").await
    }

    /// Deletes a stored card, for good, and reads back that it is gone. One that Keap says is not
    /// there is left alone, if the list says so, too.
    pub async fn delete_payment_method(&self, contact: &str, id: &str) -> Result<(), CallError> {
        const OPERATION: &str = "keap delete payment method";
        let (contact, id) = (segment(OPERATION, contact)?, segment(OPERATION, id)?);
        let path = ["v2", "contacts", contact, "paymentMethods", id];
        match self
            .write(OPERATION, Method::DELETE, &path, &Query::new(), None)
            .await
        {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
        if self.lists_card(OPERATION, contact, id).await? {
            return Err(still_listed(OPERATION));
        }
        Ok(())
    }

    /// Makes a stored card inactive. `Removed::Listed` if Keap still lists it afterwards: its
    /// description gives a card no state but `EXPIRED`, so that an inactive one can't be told from
    /// an active one, and only a person who looks can. One that Keap says is not there is left
    /// alone, if the list says so, too.
    pub async fn deactivate_payment_method(
        &self,
        contact: &str,
        id: &str,
    ) -> Result<Removed, CallError> {
        const OPERATION: &str = "keap deactivate payment method";
        let action = format!("{}:deactivate", segment(OPERATION, id)?);
        let contact = segment(OPERATION, contact)?;
        let path = ["v2", "contacts", contact, "paymentMethods", &action];
        let accepted = match self
            .write(OPERATION, Method::POST, &path, &Query::new(), None)
            .await
        {
            Ok(_) => true,
            Err(error) if error.is_not_found() => false,
            Err(error) => return Err(error),
        };
        match (self.lists_card(OPERATION, contact, id).await?, accepted) {
            (false, _) => Ok(Removed::Gone),
            (true, true) => Ok(Removed::Listed),
            (true, false) => Err(still_listed(OPERATION)),
        }
    }

    /// Whether the card is still in the contact's list. A read that fails after a write leaves the
    /// write unclear.
    async fn lists_card(
        &self,
        operation: &'static str,
        contact: &str,
        id: &str,
    ) -> Result<bool, CallError> {
        let cards = self
            .payment_methods(contact)
            .await
            .map_err(|error| CallError {
                vendor: Some(VENDOR),
                class: Class::Unclear,
                operation,
                status: error.status,
                message: format!(
                    "answered, but the cards could not be read back: {}",
                    error.message
                ),
            })?;
        Ok(cards
            .iter()
            .any(|card| card.payment_method_id.as_deref() == Some(id)))
    }

    /// A product; `None` if it is gone.
    pub async fn product(&self, id: &str) -> Result<Option<Product>, CallError> {
        const OPERATION: &str = "keap get product";
        let path = ["v2", "products", segment(OPERATION, id)?];
        self.read_if_there(OPERATION, &path, &Query::new()).await
    }

    /// The products with exactly this name. More than one is the caller's to refuse.
    pub async fn products_by_name(&self, name: &str) -> Result<Vec<Product>, CallError> {
        const OPERATION: &str = "keap find product";
        let query = Query::new()
            .eq("name", name)
            .unwrap_or_default()
            .with("page_size", "200");
        let found: Vec<Product> = self
            .list(OPERATION, &["v2", "products"], &query, "products")
            .await?;
        Ok(found
            .into_iter()
            .filter(|product| product.name.as_deref() == Some(name))
            .collect())
    }

    /// The contact's orders on which money may still be owed.
    pub async fn open_orders(&self, contact: &str) -> Result<Vec<Order>, CallError> {
        const OPERATION: &str = "keap list orders";
        let query = of_contact(OPERATION, contact)?;
        let orders: Vec<Order> = self
            .list(OPERATION, &["v2", "orders"], &query, "orders")
            .await?;
        // An order that names no owner counts: it may be hers, and her card stays.
        let may_be_hers = |order: &Order| {
            order
                .contact
                .as_ref()
                .and_then(|c| c.id.as_deref())
                .is_none_or(|id| id == contact)
        };
        Ok(orders
            .into_iter()
            .filter(|o| o.is_open() && may_be_hers(o))
            .collect())
    }
}

fn of_contact(operation: &'static str, contact: &str) -> Result<Query, CallError> {
    Ok(Query::new()
        .eq("contact_id", segment(operation, contact)?)
        .map_err(unfilterable(operation))?
        .with("page_size", "200"))
}

/// A write that was accepted and is not visible: to be looked at again, and repeated if need be.
fn not_yet(operation: &'static str, message: &str) -> CallError {
    CallError {
        vendor: Some(VENDOR),
        class: Class::Retryable { after: None },
        operation,
        status: None,
        message: format!("accepted, but {message}"),
    }
}

/// Said to be done or gone, and the list says otherwise: to be looked at again.
fn still_listed(operation: &'static str) -> CallError {
    CallError {
        vendor: Some(VENDOR),
        class: Class::Unclear,
        operation,
        status: None,
        message: "Keap still lists the card".to_owned(),
    }
}
