//! The tags of a contact whose words nobody has heard yet.

use relay_core::facts::{Fact, FactBody, StaffWord};
use relay_core::ids::{ClientId, ContactId};
use relay_core::time::Timestamp;
use relay_store::Op;
use serde_json::{Value, json};

use crate::engine::{Engine, EngineError};
use crate::ports::WordTag;

/// A word, and when its tag was put on.
#[derive(Debug)]
pub(super) struct News {
    pub(super) word: StaffWord,
    /// The tag's name.
    pub(super) tag: String,
    /// Never later than now.
    pub(super) put_on: Timestamp,
    /// What the word is known by: the same tag, put on again, is another.
    pub(super) object: String,
}

impl News {
    /// Who said so, as far as the CRM tells.
    pub(super) fn by(&self) -> String {
        format!("the tag \"{}\"", self.tag)
    }

    /// The word, to be stored. `kept`: no follow-up is open.
    pub(super) fn fact(&self, client: &ClientId, kept: bool) -> Fact {
        Fact {
            client: client.clone(),
            object: self.object.clone(),
            source_time: self.put_on,
            body: FactBody::StaffSaid {
                word: self.word,
                by: self.by(),
                kept,
            },
        }
    }

    /// Which word of hers it is, as part of a name.
    pub(super) fn which(&self) -> String {
        let second = self.put_on.as_second();
        format!("{}-{second}", self.word.as_str())
    }
}

/// The words on a contact that are not stored as facts of its client. To be committed with them: since when a tag is
/// seen of which the CRM does not tell when it was put on.
pub(super) async fn news(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
) -> Result<(Vec<News>, Vec<Op>), EngineError> {
    let tags = engine.ports.tags.words(contact).await?;
    unheard(engine, client, contact, tags).await
}

/// Those of these words, as the CRM has just shown them.
pub(super) async fn unheard(
    engine: &Engine,
    client: &ClientId,
    contact: &ContactId,
    tags: Vec<WordTag>,
) -> Result<(Vec<News>, Vec<Op>), EngineError> {
    let seen = engine.store.settings(&untimed(contact, "")).await?;
    let seen = |word: StaffWord| {
        let key = untimed(contact, word.as_str());
        let known = seen.iter().find(|(known, _)| *known == key);
        known.and_then(|(_, since)| serde_json::from_value::<Timestamp>(since.clone()).ok())
    };
    let is_untimed = |word| {
        let of_word = |tag: &&WordTag| tag.word == word && tag.at.is_none();
        tags.iter().any(|tag| of_word(&tag))
    };
    let now = engine.now();
    let mut ops = Vec::new();
    for word in StaffWord::ALL {
        let value = match (is_untimed(word), seen(word)) {
            (true, None) => json!(now),
            (false, Some(_)) => Value::Null,
            _ => continue,
        };
        ops.push(Op::PutSetting {
            key: untimed(contact, word.as_str()),
            value,
        });
    }
    let facts = if tags.is_empty() {
        Vec::new()
    } else {
        engine.store.facts(client).await?
    };
    let said = tags.into_iter().map(|tag| {
        let at = tag.at.or_else(|| seen(tag.word)).unwrap_or(now);
        News {
            object: format!("{}/{contact}/{at}", tag.word.as_str()),
            word: tag.word,
            tag: tag.tag,
            put_on: at.min(now),
        }
    });
    let is_known = |said: &News| {
        facts.iter().any(|row| {
            matches!(row.fact.body, FactBody::StaffSaid { .. }) && row.fact.object == said.object
        })
    };
    Ok((said.filter(|said| !is_known(said)).collect(), ops))
}

fn untimed(contact: &ContactId, word: &str) -> String {
    format!("untimed_tag/{contact}/{word}")
}
