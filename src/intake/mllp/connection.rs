//! One connection: frame, answer, frame, answer, in order, each within its time.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::channel::{Channel, Timed};
use super::frame::{Found, Framer, framed};
use super::{Deliver, Delivered, Peer, Receiver, Settings, Stamp, Verdict, answers};
use crate::fault::{Finding, Issue, Place, rules};

/// How long a peer that is told that its frame is too long may take to read it.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;

rules! {
    TOO_LONG "mllp-frame-too-long" Error TooLong
        "The frame is longer than {} bytes, the most that is taken; nothing of it is kept, and the connection is closed."
        "フレームが上限({}バイト)を超えています。内容は保管せず、接続を切断します。"
}

/// Serves a connection to its end. `stopping` ends it after the frame under way.
pub(super) fn serve(
    socket: TcpStream,
    mut peer: Peer,
    settings: &Settings,
    receiver: &dyn Receiver,
    stopping: &AtomicBool,
) {
    let timed = Timed::new(socket, Instant::now() + settings.limits.frame_time_max);
    let (channel, certificates) = match Channel::accept(timed, settings.tls.as_ref()) {
        Ok(accepted) => accepted,
        Err(error) => return tracing::info!(address = %peer.address, kind = %error.kind(), "mllp: no TLS"),
    };
    peer.certificates = certificates;
    let Some(deliver) = receiver.admit(&peer) else {
        return tracing::warn!(address = %peer.address, "mllp: the peer's certificate belongs to no sender");
    };
    let mut conversation =
        Conversation { channel, framer: Framer::new(settings.limits.frame_bytes_max), settings, receiver, stopping };
    match conversation.run(&deliver) {
        Ok(End::Clean) => tracing::debug!(address = %peer.address, "mllp: closed"),
        Ok(End::TooLong) => {
            tracing::warn!(address = %peer.address, "mllp: a frame is too long");
            let bytes_max = settings.limits.frame_bytes_max;
            conversation.channel.finish(Instant::now() + FAREWELL, bytes_max);
        }
        Ok(End::Noise) => tracing::warn!(address = %peer.address, "mllp: no frames come here"),
        Ok(End::HalfFrame) => tracing::warn!(address = %peer.address, "mllp: a frame was not finished"),
        Err(error) => tracing::info!(address = %peer.address, kind = %error.kind(), "mllp: broken off"),
    }
}

struct Conversation<'a> {
    channel: Channel,
    framer: Framer,
    settings: &'a Settings,
    receiver: &'a dyn Receiver,
    stopping: &'a AtomicBool,
}

/// How a connection ended.
enum End {
    /// The peer closed it between frames, was silent for too long, or the gateway stops.
    Clean,
    HalfFrame,
    TooLong,
    Noise,
}

impl Conversation<'_> {
    fn run(&mut self, deliver: &Deliver) -> io::Result<End> {
        let limits = self.settings.limits;
        let mut bytes = [0; READ_BYTES];
        let mut idle_until = Instant::now() + limits.idle_time_max;
        let mut frame_until = None;
        while !self.stopping.load(Ordering::Relaxed) {
            self.channel.until(frame_until.unwrap_or(idle_until));
            let length = match self.channel.read(&mut bytes) {
                Ok(length) => length,
                Err(error) if is_late(&error) => 0,
                Err(error) => return Err(error),
            };
            if length == 0 {
                return Ok(if self.framer.is_inside() { End::HalfFrame } else { End::Clean });
            }
            let mut rest = bytes.get(..length).unwrap_or_default();
            while !rest.is_empty() {
                let (taken, found) = self.framer.take(rest);
                rest = rest.get(taken..).unwrap_or_default();
                match found {
                    None => {}
                    Some(Found::Noise) => return Ok(End::Noise),
                    Some(Found::TooLong(head)) => {
                        let refused = Delivered { verdicts: vec![too_long(limits.frame_bytes_max)], whole: Vec::new() };
                        self.answer(&head, &refused)?;
                        return Ok(End::TooLong);
                    }
                    Some(Found::Frame(frame)) => {
                        let delivered = deliver(&frame);
                        self.answer(&frame, &delivered)?;
                        (idle_until, frame_until) = (Instant::now() + limits.idle_time_max, None);
                    }
                }
            }
            // The time of a frame runs from its first byte, however many reads it takes.
            frame_until = match self.framer.is_inside() {
                true => frame_until.or(Some(Instant::now() + limits.frame_time_max)),
                false => None,
            };
        }
        Ok(End::Clean)
    }

    fn answer(&mut self, frame: &[u8], delivered: &Delivered) -> io::Result<()> {
        let mut control_id = || Uuid::new_v4().simple().to_string().chars().take(20).collect();
        let mut stamp = Stamp { now_ms: self.receiver.now_ms(), control_id: &mut control_id };
        let frames: Vec<u8> = answers(frame, delivered, &mut stamp).iter().flat_map(|text| framed(text)).collect();
        self.channel.until(Instant::now() + self.settings.limits.frame_time_max);
        self.channel.write_all(&frames)?;
        self.channel.flush()
    }
}

/// The head of the frame may be the head of a batch; one refusal answers it.
fn too_long(frame_bytes_max: usize) -> Verdict {
    Verdict::Refused(Finding::from(&Issue::with(&TOO_LONG, Place::Whole, frame_bytes_max.to_string())))
}

/// What a socket says when its time is up.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}
