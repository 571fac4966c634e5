//! A consortium in one process: hubs over one file, agents with spools, and everything that can happen to them.

use super::{
    dice::{Dice, Faults},
    laws,
    line::{Ether, Line},
    model::{HOUR, LINKS, MORNING, Model, PARTNERS, Terms, moment},
    node::Node,
    partner::Partner,
};
use commonroll_audit::{Checkpoint, SigningKey};
use commonroll_core::{
    LocalId, Timestamp,
    directory::{
        DateRange, Declaration, LearnerDeclaration, PlacementAcceptance, PlacementDeclaration, PlacementEnd,
        Registration,
    },
    record::Text,
};
use commonroll_exchange::{AgentId, ConsortiumFile, DeclareResult, Revoke, Sizes};
use std::{
    sync::{Arc, Mutex, atomic::AtomicUsize, atomic::Ordering},
    time::Duration,
};
use tempfile::TempDir;

pub struct World {
    pub ether: Arc<Ether>,
    pub nodes: Vec<Arc<Node>>,
    pub partners: Vec<Partner>,
    pub now: i64,
    pub version: u32,
    /// The newest checkpoint that anybody holds. It is compared at every third check, since the proof takes longest.
    seen: Option<Checkpoint>,
    checks: u64,
    database: String,
    sizes: Sizes,
    _folder: TempDir,
}

impl World {
    pub async fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir_in(super::fast_disk()).unwrap();
        let database = format!("sqlite:{}", folder.path().join("hub.db").display());
        let faults = Faults::new(seed);
        // One record a page or a few, from memory or from the store.
        let sizes = match seed % 3 {
            0 => Sizes { page_records: 1, ring_bytes: 0, ..Sizes::default() },
            1 => Sizes { page_records: 2, ..Sizes::default() },
            _ => Sizes { ring_bytes: 0, ..Sizes::default() },
        };
        let ether = Ether {
            dice: Dice::new(seed),
            model: Mutex::default(),
            trouble: AtomicUsize::new(0),
            faults: faults.clone(),
            past: Mutex::default(),
            read: Mutex::default(),
            story: Mutex::default(),
        };
        let mut world = Self {
            nodes: vec![Arc::new(Node::open(&database, &faults, sizes, moment(MORNING)).await)],
            ether: Arc::new(ether),
            partners: Vec::new(),
            now: MORNING,
            version: 0,
            seen: None,
            checks: 0,
            database,
            sizes,
            _folder: folder,
        };
        world.agree(Terms::Full).await;
        for who in 0..PARTNERS.len() {
            let partner = Partner::new(who, world._folder.path()).await;
            world.partners.push(partner);
            world.join(who).await;
        }
        for who in 0..PARTNERS.len() {
            world.introduce(who).await;
        }
        for partner in &mut world.partners {
            partner.teach(&world.ether.dice);
            partner.export(moment(MORNING)).await;
        }
        world.ether.trouble.store(25, Ordering::Relaxed);
        world
    }

    /// A partner declares its learners, its guests, and its side of every placement.
    async fn introduce(&mut self, who: usize) {
        let mut said = Vec::new();
        for (number, link) in LINKS.iter().enumerate() {
            let mine = [
                (link.home, link.home_id, Registration::Home),
                (link.host, link.host_id, Registration::Guest),
            ];
            for (side, (_, local, how)) in mine.into_iter().enumerate().filter(|(_, mine)| mine.0 == who) {
                said.push(Ok(learner(local, how, link.uln)));
                said.push(Ok(placement(number, side, 30).1));
                self.model().place(number, side, 30);
            }
        }
        let line = self.line(who).unwrap();
        let results = line.node.exchange.declare(&line.speaker().unwrap(), said, self.time()).await.unwrap();
        assert!(results.iter().all(|result| *result == DeclareResult::Accepted), "{results:?}");
    }

    pub fn time(&self) -> Timestamp {
        moment(self.now)
    }

    /// Any hub that runs.
    pub fn node(&self) -> Arc<Node> {
        self.ether.dice.pick(&self.nodes).clone()
    }

    pub fn line(&self, who: usize) -> Option<Line> {
        let agent = self.partners[who].agent?;
        Some(Line { ether: self.ether.clone(), node: self.node(), agent, who, now: self.time() })
    }

    /// Starts what was killed, and lets another hub come or go.
    pub async fn restart_hubs(&mut self) {
        self.nodes.retain(|node| !node.is_dead());
        while self.nodes.is_empty() {
            self.nodes.push(Arc::new(
                Node::open(&self.database, &self.ether.faults, self.sizes, self.time()).await,
            ));
            self.partners.iter_mut().for_each(Partner::hang_up);
        }
    }

    pub async fn another_hub(&mut self) {
        if self.nodes.len() < 2 {
            self.nodes.push(Arc::new(
                Node::open(&self.database, &self.ether.faults, self.sizes, self.time()).await,
            ));
        } else {
            self.nodes.remove(self.ether.dice.below(2)).kill();
        }
        self.partners.iter_mut().for_each(Partner::hang_up);
    }

    /// Everything that must be so after a step.
    pub async fn check(&mut self) {
        self.restart_hubs().await;
        let node = self.node();
        node.exchange.follow(Duration::ZERO).await.unwrap();
        laws::read_log(&self.ether.model, &node.exchange).await;
        // A note of another hub, still under way, may have come between the two looks.
        node.exchange.follow(Duration::ZERO).await.unwrap();
        self.checks += 1;
        if self.checks.is_multiple_of(3) {
            laws::extends(&node.exchange, &mut self.seen).await;
        }
        let read = std::mem::take(&mut *self.ether.read.lock().unwrap());
        let mut model = self.ether.model.lock().unwrap();
        read.iter().for_each(|(request, answer)| laws::answered(&mut model, request, answer));
        let mises: Vec<_> = self.partners.iter().map(|partner| &partner.mis).collect();
        laws::kept(&model, &node.exchange, &mises);
        for (state, cursor) in node.exchange.stats().institutions.iter().zip(model.cursors) {
            assert!(state.acknowledged >= cursor, "{} acknowledged {cursor}, it holds {state:?}", state.slug);
        }
    }

    /// A new agreement with other terms.
    pub async fn agree(&mut self, terms: Terms) {
        self.agree_at(&self.node(), terms).await;
    }

    pub async fn agree_at(&mut self, node: &Node, terms: Terms) {
        self.version += 1;
        let kinds = match terms {
            Terms::PresenceOnly => "attendance = [\"presence\"]",
            Terms::NoAttendance => "assessment = [\"result\"]",
            _ => "attendance = [\"presence\", \"source_code\", \"note\", \"register\"]",
        };
        let last = if terms == Terms::Lapsed { "2026-09-13" } else { "2027-07-31" };
        let institution = |slug: &str| {
            format!("[[institution]]\nslug = \"{slug}\"\nname = \"The {slug}\"\ntype = \"school\"\n")
        };
        let text = format!(
            "{}[[agreement]]\nid = \"vale\"\nversion = {}\nparties = [\"kingsmead\", \"ridgeway\", \"northgate\"]\n\
             purpose = \"shared courses\"\nfirst_date = \"2026-09-01\"\nlast_date = \"{last}\"\n[agreement.kinds]\n{kinds}\n",
            PARTNERS.map(institution).concat(),
            self.version,
        );
        let file = ConsortiumFile::parse(&text).unwrap().signed_by(&[0x51; 32]);
        node.exchange.import(&file, "operator", self.time()).await.unwrap();
        self.ether.model.lock().unwrap().terms = Some(terms);
    }

    /// Enrols a new agent for a partner.
    pub async fn join(&mut self, who: usize) {
        let (now, node) = (self.time(), self.node());
        let partner = &mut self.partners[who];
        partner.enrolments += 1;
        let seed = [(who as u8 + 1) * 60 + partner.enrolments; 32];
        let slug = &partner.reading.institution;
        let code = node.exchange.invite(slug, Duration::from_secs(600), "operator", seed, now).await.unwrap();
        partner.key = SigningKey::from_seed(&seed).unwrap();
        let (id, key) = (AgentId([seed[0]; 16]), *partner.key.public().as_bytes());
        node.exchange.join(&code, id, key, [127, 0, 0, 1].into(), now).await.unwrap();
        partner.agent = Some(id);
        partner.hang_up();
        for node in &self.nodes {
            node.exchange.follow(Duration::ZERO).await.unwrap();
        }
    }

    pub async fn revoke(&mut self, who: usize) {
        if let Some(agent) = self.partners[who].agent.take() {
            let node = self.node();
            node.exchange.revoke(Revoke::Agent(agent), "operator", self.time()).await.unwrap();
            let speaker = node.exchange.speaker(agent);
            assert!(speaker.is_err(), "a revoked agent may not speak");
        }
    }

    /// Declares something; `None` if the partner has no agent.
    pub async fn declare(&self, who: usize, said: Declaration) -> Option<DeclareResult> {
        let line = self.line(who)?;
        let speaker = line.speaker().unwrap();
        let results = line.node.exchange.declare(&speaker, vec![Ok(said)], self.time()).await.unwrap();
        Some(results[0])
    }

    /// One side (0: the home, 1: the host) says that a placement covers September up to a day.
    pub async fn place(&mut self, number: usize, side: usize, last_day: i32) {
        let (who, said) = placement(number, side, last_day);
        if self.declare(who, said).await.is_some() {
            self.ether.model.lock().unwrap().place(number, side, last_day);
        }
    }

    /// One side ends a placement from an instant on.
    pub async fn end(&mut self, number: usize, side: usize, from: i64) {
        let link = &LINKS[number];
        let (who, learner, other) = match side {
            0 => (link.home, link.home_id, link.host),
            _ => (link.host, link.host_id, link.home),
        };
        let other = PARTNERS[other].parse().unwrap();
        let end = PlacementEnd { learner: id(learner), other, group: None, from: moment(from) };
        if self.declare(who, Declaration::End(end)).await.is_some() {
            self.ether.model.lock().unwrap().end(number, side, from);
        }
    }

    /// Another institution says that it is the home of somebody else's learner.
    pub async fn claim(&mut self, number: usize) {
        let link = &LINKS[number];
        let other = 3 - link.home - link.host;
        let said = learner(&format!("claimed-{number}"), Registration::Home, link.uln);
        let result = self.declare(other, said).await;
        assert!(
            matches!(result, None | Some(DeclareResult::Contested)),
            "a second claim is contested: {result:?}"
        );
    }

    pub fn pass(&mut self) {
        self.now += match self.ether.dice.below(20) {
            0 => HOUR,
            1..5 => 60_000_000,
            _ => 1_000 + self.ether.dice.below(5_000_000) as i64,
        };
    }

    pub fn model(&self) -> std::sync::MutexGuard<'_, Model> {
        self.ether.model.lock().unwrap()
    }
}

pub fn id(text: &str) -> LocalId {
    LocalId::parse("local_id", text).unwrap()
}

/// One side's word on a placement, and whose word it is.
fn placement(number: usize, side: usize, last_day: i32) -> (usize, Declaration) {
    let link = &LINKS[number];
    let first = "2026-09-01".parse().unwrap();
    let dates = DateRange::new(first, format!("2026-09-{last_day:02}").parse().unwrap()).unwrap();
    let group = link.groups[side].map(id);
    if side == 0 {
        let host = PARTNERS[link.host].parse().unwrap();
        let said = PlacementDeclaration { learner: id(link.home_id), host, group, dates };
        (link.home, Declaration::Placement(said))
    } else {
        let home = PARTNERS[link.home].parse().unwrap();
        let said = PlacementAcceptance { learner: id(link.host_id), home, group, dates };
        (link.host, Declaration::Acceptance(said))
    }
}

fn learner(local: &str, registration: Registration, uln: &str) -> Declaration {
    let text = |t: &str| Text::parse("name", t, 100).unwrap();
    // Everybody has a name and a birthday of their own.
    let name = ["Ashby", "Imran", "Okoro", "Lewis", "Novak"][usize::from(uln.as_bytes()[8] - b'1')];
    Declaration::Learner(LearnerDeclaration {
        local_id: id(local),
        registration,
        upn: String::new(),
        uln: uln.to_owned(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: Some(format!("2009-05-1{}", &uln[8..9]).parse().unwrap()),
        surname: text(name),
        forename: text(&name.to_lowercase()),
        known_as: text(""),
    })
}
