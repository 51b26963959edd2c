//! Handshakes under way at a door.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::oneshot;

/// How long one who was turned away may take to hear why.
const FAREWELL: Duration = Duration::from_secs(1);

/// What is read of one who was turned away: a client sends a request along with the end of its handshake.
const UNHEARD: u64 = 64 << 10;

/// The handshakes that are under way at a door, so many at a time.
///
/// Whoever comes is let in. Where all places are taken, somebody gives way: of the network that has most places, who came
/// first. So one who opens connections and keeps silent hinders himself, not others.
#[derive(Debug)]
pub struct Handshakes {
    most: usize,
    /// From the oldest to the newest. Those that have ended are known by their closed channels.
    under_way: VecDeque<(IpAddr, oneshot::Sender<()>)>,
}

impl Handshakes {
    /// None yet, and so many at most.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            under_way: VecDeque::new(),
        }
    }

    /// A place for one who comes from an address.
    pub fn enter(&mut self, address: IpAddr) -> Turn {
        self.under_way.retain(|(_, turn)| !turn.is_closed());
        if self.under_way.len() >= self.most {
            let places = |network: IpAddr| {
                let all = self.under_way.iter();
                all.filter(|(of, _)| *of == network).count()
            };
            let most = self.under_way.iter().map(|(of, _)| places(*of)).max();
            let first = self
                .under_way
                .iter()
                .position(|(of, _)| Some(places(*of)) == most);
            // Its end of the channel is closed with this.
            first.map(|first| self.under_way.remove(first));
        }
        let (turn, over) = oneshot::channel();
        self.under_way.push_back((network(address), turn));
        Turn(over)
    }
}

/// A place at a door, until it is dropped.
#[derive(Debug)]
pub struct Turn(oneshot::Receiver<()>);

impl Turn {
    /// Waits until others need the place.
    pub async fn over(&mut self) {
        // Nothing is ever sent.
        let _ = (&mut self.0).await;
    }

    /// Hangs up on one who was turned away, who still hears why. It takes a while, and the place as long: whoever says
    /// nonsense and stays holds no more sockets than one who keeps silent. Ends at once when others need the place.
    ///
    /// A socket that is closed while there is something to read is reset, and what was said last is lost with it.
    pub async fn hang_up(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        tokio::select! {
            () = part(stream) => {}
            () = self.over() => {}
        }
    }
}

/// Who is counted as one: a machine with IPv6 has a whole network of addresses.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
        address => address,
    }
}

/// Says good-bye, and hears out what was on its way.
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let said = async {
        let _ = stream.shutdown().await;
        let mut rest = stream.take(UNHEARD);
        let mut unheard = [0; 1024];
        while rest.read(&mut unheard).await.is_ok_and(|length| length > 0) {}
    };
    let _ = tokio::time::timeout(FAREWELL, said).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn gives_way(turn: &mut Turn) -> bool {
        turn.0.try_recv() == Err(oneshot::error::TryRecvError::Closed)
    }

    #[test]
    fn who_has_most_places_gives_way_and_nobody_else() {
        let [crowd, one, other] =
            ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(|ip| ip.parse().unwrap());
        let mut door = Handshakes::new(4);
        let mut honest = door.enter(one);
        let mut silent: Vec<Turn> = (0..3).map(|_| door.enter(crowd)).collect();
        let mut late = door.enter(other);
        assert!(gives_way(&mut silent[0]));
        for _ in 0..100 {
            silent.push(door.enter(crowd));
        }
        assert!(!gives_way(&mut honest) && !gives_way(&mut late));
        let left = silent
            .iter_mut()
            .filter_map(|turn| (!gives_way(turn)).then_some(()));
        assert_eq!(left.count(), 2, "the places are no more than four");
    }

    #[test]
    fn a_place_is_free_when_its_handshake_has_ended() {
        let mut door = Handshakes::new(2);
        let address = "10.0.0.1".parse().unwrap();
        let mut first = door.enter(address);
        for _ in 0..10 {
            drop(door.enter(address));
        }
        assert!(!gives_way(&mut first));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_hung_up_on_keeps_its_place_and_loses_it_when_others_come() {
        let mut door = Handshakes::new(2);
        let address = "10.0.0.1".parse().unwrap();
        let began = tokio::time::Instant::now();
        let mut ends = Vec::new();
        let mut hung_up = Vec::new();
        for _ in 0..3 {
            // The other side holds its end open.
            let (end, stream) = tokio::io::duplex(64);
            ends.push(end);
            hung_up.push(tokio::spawn(door.enter(address).hang_up(stream)));
            tokio::task::yield_now().await;
        }
        let mut hung_up = hung_up.into_iter();
        hung_up.next().unwrap().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "it gave way");
        let rest: Vec<_> = hung_up.collect();
        for task in &rest {
            assert!(!task.is_finished(), "nobody needs its place");
        }
        for task in rest {
            task.await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), FAREWELL.as_secs());
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_mapped_addresses_are_what_they_map() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
