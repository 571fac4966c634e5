//! Every partner's publish stream, open before anything changes, and what the hub answers on each afterwards.

use super::super::{
    load::{Client, sealed},
    pages::town::Town,
    rig::Rig,
};
use crate::commands::told;
use commonroll_agent::{Hub as _, hub::PublishSession};
use commonroll_core::{Record, Slug};

/// A partner's open stream.
struct Stream {
    client: Client,
    session: Box<dyn PublishSession>,
    /// The number that its next batch has.
    number: u64,
}

/// The open streams of all partners.
pub struct Streams {
    all: Vec<Stream>,
}

impl Streams {
    /// Opens one for each partner.
    pub async fn open(rig: &Rig, town: Town) -> Result<Self, String> {
        let mut all = Vec::new();
        for partner in 0..town.partners {
            let client = rig.client(partner).await?;
            let mut session = client.hub.publish().await.map_err(told)?;
            let greeting = session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?;
            all.push(Stream { client, session, number: greeting.next_batch_number });
        }
        Ok(Self { all })
    }

    /// The client of a partner.
    pub fn client(&self, partner: u16) -> Result<&Client, String> {
        self.all
            .get(usize::from(partner))
            .map(|stream| &stream.client)
            .ok_or_else(|| "no such partner".to_owned())
    }

    /// Publishes one record on every stream; gives on how many it was taken.
    pub async fn taken(&mut self, make: impl Fn(&Slug) -> Result<Record, String>) -> Result<usize, String> {
        let mut taken = 0;
        for stream in &mut self.all {
            let record = make(&stream.client.slug)?;
            taken += usize::from(stream.takes(record).await?);
        }
        Ok(taken)
    }

    /// Publishes one record on the stream of one partner; true if it was taken.
    pub async fn takes(&mut self, partner: u16, record: Record) -> Result<bool, String> {
        self.all.get_mut(usize::from(partner)).ok_or("no such partner")?.takes(record).await
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }
}

impl Stream {
    async fn takes(&mut self, record: Record) -> Result<bool, String> {
        let me = &self.client.me;
        let batch = sealed(&self.client.slug, (&me.signing, &me.salt.0), self.number, vec![record])?;
        self.session.send(batch).await.map_err(told)?;
        let answer = self.session.answer().await.map_err(told)?.ok_or("the hub ended the stream")?;
        self.number = answer.next_batch_number;
        let result = answer.results.first().ok_or("the hub's answer is not whole")?;
        Ok(result.outcome == 1)
    }
}
