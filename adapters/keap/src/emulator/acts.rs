//! How things come into the tenant and leave it.

use serde_json::{Value, json};

use super::state::{CustomField, FieldGroup, Row, v2_time};
use super::things::{
    NewContact, NewEmailRecord, NewField, NewOrder, NewPaymentMethod, NewProduct, NewSubscription,
    NewUser, TagRefusal,
};
use super::world::{World, known};

fn row<const N: usize>(members: [(&str, Value); N]) -> Row {
    let members = members.into_iter();
    members
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn text(id: Option<u64>) -> Value {
    json!(id.map(|id| id.to_string()))
}

impl World<'_> {
    pub(super) fn add_user(&mut self, new: &NewUser) -> u64 {
        let row = row([
            (
                "email_addresses",
                json!([{ "email": new.email, "field": "EMAIL1" }]),
            ),
            ("given_name", json!(new.given_name)),
            ("family_name", json!(new.family_name)),
            ("status", json!(new.status.as_deref().unwrap_or("ACTIVE"))),
            ("admin", json!(false)),
            ("partner", json!(false)),
        ]);
        let id = self.state.users.insert(new.id, row, self.now);
        self.raise("user.add", id);
        id
    }

    pub(super) fn add_contact(&mut self, new: &NewContact) -> Result<u64, String> {
        let mut custom = Vec::new();
        for (name, value) in &new.custom {
            let field = self.state.field(name);
            let field = field.ok_or_else(|| format!("no such custom field: {name}"))?;
            custom.push((field.id, value.clone()));
        }
        let now = v2_time(self.now);
        let email = new.email.as_ref();
        let phone = new.phone.as_ref();
        let email = email.map(|email| json!({ "email": email, "field": "EMAIL1" }));
        let phone = phone.map(|n| json!({ "number": n, "field": "PHONE1", "type": "Mobile" }));
        let row = row([
            ("given_name", json!(new.given_name)),
            ("family_name", json!(new.family_name)),
            ("email_addresses", email.into_iter().collect()),
            ("phone_numbers", phone.into_iter().collect()),
            ("owner_id", text(new.owner)),
            ("contact_type", json!("Customer")),
            ("create_time", json!(now)),
            ("update_time", json!(now)),
        ]);
        let id = self.state.contacts.insert(new.id, row, self.now);
        for (field, value) in custom {
            self.state.custom.insert((id, field), value);
        }
        if let (Some(email), Some(status)) = (&new.email, &new.email_status) {
            self.set_address_status(email, status);
        }
        self.raise("contact.add", id);
        Ok(id)
    }

    /// Sets the status of an address; the row is made if there is none.
    pub(super) fn set_address_status(&mut self, email: &str, status: &str) {
        let made = v2_time(self.now);
        let address = self
            .state
            .addresses
            .entry(email.to_lowercase())
            .or_default();
        address.insert("email".to_owned(), email.into());
        address.insert("status".to_owned(), status.into());
        address.entry("create_time").or_insert(made.into());
    }

    pub(super) fn add_field(&mut self, new: &NewField) -> u64 {
        let highest = self.state.fields.iter().map(|field| field.id).max();
        let id = new.id.unwrap_or_else(|| highest.unwrap_or(1) + 2);
        let group = self.group(
            new.tab.as_deref().unwrap_or("Custom Fields"),
            new.group.as_deref().unwrap_or("General"),
        );
        let name = new.field_name.clone();
        self.state.fields.push(CustomField {
            id,
            label: new.label.clone(),
            name: name.unwrap_or_else(|| new.label.replace(' ', "")),
            kind: new.field_type.clone().unwrap_or_else(|| "TEXT".to_owned()),
            options: new.options.clone(),
            group,
        });
        id
    }

    fn group(&mut self, tab: &str, group: &str) -> u64 {
        let tabs = &mut self.state.tabs;
        let tab = if let Some((id, _)) = tabs.iter().find(|(_, name)| name == tab) {
            *id
        } else {
            let id = 41 + tabs.len() as u64;
            tabs.push((id, tab.to_owned()));
            id
        };
        let groups = &mut self.state.groups;
        if let Some(found) = groups.iter().find(|g| g.tab == tab && g.name == group) {
            return found.id;
        }
        let id = 81 + groups.len() as u64;
        let name = group.to_owned();
        groups.push(FieldGroup { id, name, tab });
        id
    }

    pub(super) fn add_product(&mut self, new: &NewProduct) -> u64 {
        let plan = new.plan.map(|plan| {
            json!({
                "id": plan.to_string(),
                "active": true,
                "billing_cycle": "MONTHLY",
                "billing_frequency": 1,
                "number_of_cycles": 0,
            })
        });
        let row = row([
            ("name", json!(new.name)),
            ("active", json!(true)),
            ("subscription_only", json!(plan.is_some())),
            ("subscription_plans", plan.into_iter().collect()),
        ]);
        let id = self.state.products.insert(new.id, row, self.now);
        self.raise("product.add", id);
        id
    }

    pub(super) fn add_payment_method(&mut self, new: &NewPaymentMethod) -> u64 {
        let row = row([
            ("contact_id", json!(new.contact.to_string())),
            ("merchant_account_type", json!("AUTHORIZE")),
            ("payment_method_type", json!("CARD")),
            ("created_time", json!(v2_time(self.now))),
            (
                "card_info",
                json!({
                    "brand": "VISA",
                    "card_type": "CREDIT",
                    "last_four": new.last_four.as_deref().unwrap_or("4242"),
                    "expiration_month": "12",
                    "expiration_year": "2030",
                }),
            ),
        ]);
        self.state.payment_methods.insert(new.id, row, self.now)
    }

    pub(super) fn add_subscription(&mut self, new: &NewSubscription) -> u64 {
        let now = v2_time(self.now);
        let row = row([
            ("contact_id", json!(new.contact.to_string())),
            ("product_id", text(new.product)),
            ("subscription_plan_id", text(new.plan)),
            ("payment_method_id", text(new.payment_method)),
            ("quantity", json!(1)),
            ("active", json!(new.active.unwrap_or(true))),
            ("auto_charge", json!(new.auto_charge.unwrap_or(true))),
            ("billing_amount", json!(10000.0)),
            ("billing_cycle", json!("MONTH")),
            ("billing_frequency", json!(1)),
            ("start_date", json!(now.split('T').next())),
            (
                "next_bill_date",
                json!(new.next_bill_date.map(|d| d.to_string())),
            ),
            (
                "last_bill_date",
                json!(new.last_bill_date.map(|d| d.to_string())),
            ),
            ("modification_time", json!(now)),
        ]);
        let id = self.state.subscriptions.insert(new.id, row, self.now);
        self.raise("subscription.add", id);
        id
    }

    pub(super) fn add_order(&mut self, new: &NewOrder) -> u64 {
        let now = v2_time(self.now);
        let plan = new.plan_card.map(|card| {
            json!({
                "auto_charge": true,
                "payment_method_id": card.to_string(),
                "number_of_payments": 3,
                "days_between_payments": 30,
                "plan_start_date": now.split('T').next(),
            })
        });
        let row = row([
            ("title", json!(new.title)),
            ("status", json!(new.status.as_deref().unwrap_or("SENT"))),
            ("contact", json!({ "id": new.contact.to_string() })),
            ("order_type", json!("OFFLINE")),
            ("creation_time", json!(now)),
            ("order_time", json!(now)),
            (
                "total_due",
                json!({ "amount": new.total_due, "currency_code": "USD" }),
            ),
            ("payment_plan", json!(plan)),
        ]);
        let id = self.state.orders.insert(new.id, row, self.now);
        self.raise("order.add", id);
        id
    }

    pub(super) fn add_email_record(&mut self, new: &NewEmailRecord) -> u64 {
        let address = new.address.clone();
        let address = address.or_else(|| self.state.address(new.contact));
        let row = row([
            ("contact_id", json!(new.contact.to_string())),
            ("subject", json!(new.subject)),
            ("sent_to_address", json!(address)),
            ("sent_from_address", json!(new.from)),
            ("sent_to_cc_address_list", json!([])),
            ("sent_to_bcc_address_list", json!([])),
            ("sent_time", json!(v2_time(new.sent_at.unwrap_or(self.now)))),
            ("opened_time", json!(new.opened_at.map(v2_time))),
            ("clicked_time", json!(new.clicked_at.map(v2_time))),
            (
                "original_provider",
                json!(new.provider.as_deref().unwrap_or("INFUSIONSOFT")),
            ),
        ]);
        self.state.emails.insert(new.id, row, self.now)
    }

    pub(super) fn delete_contact(&mut self, contact: u64) -> Result<u64, String> {
        known(self.state.contacts.remove(contact), "contact")?;
        self.state.custom.retain(|(owner, _), _| *owner != contact);
        self.state.applied.retain(|(owner, _), _| *owner != contact);
        self.raise("contact.delete", contact);
        Ok(contact)
    }

    pub(super) fn merge(&mut self, keep: u64, gone: u64) -> Result<u64, String> {
        known(self.state.contacts.get(keep), "contact")?;
        self.delete_contact(gone)?;
        let state = &mut *self.state;
        for table in [
            &mut state.emails,
            &mut state.tasks,
            &mut state.notes,
            &mut state.subscriptions,
            &mut state.payment_methods,
        ] {
            for record in table.iter_mut().filter(|record| record.belongs_to(gone)) {
                record.set("contact_id", keep.to_string());
            }
        }
        self.raise("contact.edit", keep);
        Ok(keep)
    }

    pub(super) fn refuse_tags(&mut self, refusal: &TagRefusal) -> u64 {
        let refused = &mut self.state.refused_tags;
        match &refusal.word {
            Some(word) => refused.insert(refusal.contact, word.clone()),
            None => refused.remove(&refusal.contact),
        };
        refusal.contact
    }
}
