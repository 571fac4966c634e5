//! The exchange service: publish, receive, acknowledge. The two streams have a file each.

use super::{
    convert, decided,
    outlet::Responses,
    peer,
    publish::{self, PublishStream},
    receive::{self, ReceiveStream},
    speaker,
};
use crate::{
    clock::Surroundings,
    limits::{Place, Shares},
    metrics::Metrics,
    settings::Limits,
    status,
};
use commonroll_exchange::{Exchange, Speaker};
use commonroll_wire::pb::exchange::v1::{
    AcknowledgeRequest, AcknowledgeResponse, AnswerSessionCodesRequest, AnswerSessionCodesResponse,
    AnswerWithdrawalRequest, AnswerWithdrawalResponse, PublishRequest, PublishResponse, ReceiveRequest,
    ReceiveResponse, SessionCodesRequest, SessionCodesResponse, TellAsideRequest, TellAsideResponse,
    exchange_service_server::ExchangeService,
};
use commonroll_wire::read_aside;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

/// The service, with what every stream of it needs.
#[derive(Clone)]
pub(crate) struct ExchangeDoor {
    pub exchange: Exchange,
    pub around: Surroundings,
    pub shares: Arc<Shares>,
    pub limits: Limits,
    pub metrics: Arc<Metrics>,
    /// Called when the hub stops: streams finish what they have taken, and end.
    pub stopping: CancellationToken,
}

impl ExchangeDoor {
    fn place(&self, speaker: &Speaker) -> Result<Place, Status> {
        let text = "this institution has too many open streams; close some and try again";
        let place = self.shares.stream(speaker.institution());
        place.ok_or_else(|| status::too_much(text, Duration::from_secs(5)))
    }
}

#[tonic::async_trait]
impl ExchangeService for ExchangeDoor {
    type PublishStream = Responses<PublishResponse>;
    type ReceiveStream = Responses<ReceiveResponse>;

    async fn publish(
        &self,
        request: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Self::PublishStream>, Status> {
        let (speaker, peer) = (speaker(&request)?, peer(&request)?);
        let place = self.place(&speaker)?;
        let (outlet, responses) = publish::outlet_of(&self.limits, &peer);
        let stream = PublishStream { door: self.clone(), speaker, outlet, _place: place };
        tokio::spawn(stream.run(request.into_inner()));
        Ok(Response::new(responses))
    }

    async fn receive(
        &self,
        request: Request<ReceiveRequest>,
    ) -> Result<Response<Self::ReceiveStream>, Status> {
        let (speaker, peer) = (speaker(&request)?, peer(&request)?);
        let place = self.place(&speaker)?;
        let ReceiveRequest { after_sequence, joint_paths } = request.into_inner();
        let feed = self.exchange.receive(&speaker, after_sequence).map_err(status::of_speaker)?;
        let (outlet, responses) = receive::outlet_of(&self.limits, &peer);
        let stream = ReceiveStream { door: self.clone(), feed, joint_paths, outlet, _place: place };
        tokio::spawn(stream.run());
        Ok(Response::new(responses))
    }

    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        let speaker = speaker(&request)?;
        let receipt = convert::acknowledgement(request.get_ref()).map_err(|e| status::invalid(&e))?;
        let answer = self.exchange.acknowledge(&speaker, receipt, self.around.now()).await;
        let cursor = answer.map_err(status::of_acknowledge)?;
        Ok(Response::new(AcknowledgeResponse { cursor }))
    }

    async fn answer_withdrawal(
        &self,
        request: Request<AnswerWithdrawalRequest>,
    ) -> Result<Response<AnswerWithdrawalResponse>, Status> {
        let speaker = speaker(&request)?;
        let answer = convert::withdrawal_answer(request.get_ref()).map_err(|e| status::invalid(&e))?;
        let taken = self.exchange.answer_withdrawal(&speaker, answer, self.around.now()).await;
        let answered_at_us = taken.map_err(status::of_answer)?.micros();
        Ok(Response::new(AnswerWithdrawalResponse { answered_at_us }))
    }

    async fn session_codes(
        &self,
        request: Request<SessionCodesRequest>,
    ) -> Result<Response<SessionCodesResponse>, Status> {
        let speaker = speaker(&request)?;
        decided::hand_out(&self.exchange, &speaker, self.around.now()).await.map(Response::new)
    }

    async fn answer_session_codes(
        &self,
        request: Request<AnswerSessionCodesRequest>,
    ) -> Result<Response<AnswerSessionCodesResponse>, Status> {
        let speaker = speaker(&request)?;
        let now = self.around.now();
        decided::take(&self.exchange, &speaker, request.get_ref(), now).await.map(Response::new)
    }

    async fn tell_aside(
        &self,
        request: Request<TellAsideRequest>,
    ) -> Result<Response<TellAsideResponse>, Status> {
        let speaker = speaker(&request)?;
        let steps = request.get_ref().steps.iter().map(read_aside).collect::<Result<Vec<_>, _>>();
        let steps = steps.map_err(|broken| status::invalid(&broken))?;
        let done = self.exchange.tell_aside(&speaker, steps, self.around.now()).await;
        done.map(|()| Response::new(TellAsideResponse {})).map_err(status::of_answer)
    }
}
