//! A server's cables: its sockets at the left, the switches' ports at the right. Where a cable is seen is a solid line;
//! where it is planned and not seen is a dashed one.

use super::{Label, Stroke, fit};
use pious_protocol::{
    expectation::PlannedLink,
    facts::{Link, Nic},
};

const ROW: i32 = 38;
const HEAD: i32 = 30;
const WIDTH: i32 = 860;
const SERVER_WIDTH: i32 = 270;
const SWITCH_WIDTH: i32 = 250;
const SWITCH_X: i32 = WIDTH - SWITCH_WIDTH - 1;
/// Between switches.
const APART: i32 = 14;
const MOST_LETTERS: usize = 34;

/// Whether a planned cable is where it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPlace {
    Yes,
    No,
    /// Nobody judged it.
    Untold,
}

/// One socket of the server, with its plan and what it hears.
pub struct Socket<'a> {
    pub planned: Option<&'a PlannedLink>,
    pub nic: Option<&'a Nic>,
    pub in_place: InPlace,
}

/// The drawing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CablingDrawing {
    pub width: i32,
    pub height: i32,
    pub server: Frame,
    pub switches: Vec<Frame>,
    pub cables: Vec<Stroke>,
}

/// A device with its sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
    pub name: String,
    pub rows: Vec<Row>,
}

/// One socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub y: i32,
    pub name: String,
    pub words: String,
}

impl Frame {
    fn new(x: i32, y: i32, width: i32, name: &str) -> Self {
        Self { x, y, width, height: HEAD, name: fit(name, MOST_LETTERS), rows: Vec::new() }
    }

    /// Adds a row; answers the middle of it.
    fn row(&mut self, name: &str, words: String) -> i32 {
        let y = self.y + self.height;
        self.rows.push(Row { y, name: fit(name, MOST_LETTERS), words: fit(&words, MOST_LETTERS + 8) });
        self.height += ROW;
        y + ROW / 2
    }

    pub fn text_x(&self) -> i32 {
        self.x + 10
    }

    pub fn name_y(&self) -> i32 {
        self.y + 20
    }

    pub fn right(&self) -> i32 {
        self.x + self.width
    }
}

impl Row {
    pub fn name_y(&self) -> i32 {
        self.y + 16
    }

    pub fn words_y(&self) -> i32 {
        self.y + 31
    }
}

/// A switch's port, as a plan or a neighbour names it.
#[derive(Clone, PartialEq, Eq)]
struct Port {
    switch: String,
    port: String,
}

impl Port {
    fn planned(link: &PlannedLink) -> Self {
        Self { switch: link.switch.clone(), port: link.port.clone() }
    }

    /// Where a NIC hears to be: its first neighbour. Others are told by the table below the drawing.
    fn seen(nic: &Nic) -> Option<Self> {
        let neighbour = nic.neighbours.heard().first()?;
        let switch = neighbour.system_name.as_ref().unwrap_or(&neighbour.chassis_id.value).clone();
        Some(Self { switch, port: neighbour.port_id.value.clone() })
    }
}

impl CablingDrawing {
    pub fn of(server: &str, sockets: &[Socket]) -> Self {
        let mut drawing = Self { width: WIDTH, server: Frame::new(1, 1, SERVER_WIDTH, server), ..Self::default() };
        let ports: Vec<(Option<Port>, Option<Port>)> = sockets.iter().map(ports).collect();
        let middles = drawing.place_ports(&ports);
        for (socket, (planned, seen)) in sockets.iter().zip(&ports) {
            let from = drawing.server.row(&name(socket), words(socket));
            let to = |port: &Port| middles.iter().find(|(known, _)| known == port).map(|(_, y)| *y);
            let planned_at = planned.as_ref().and_then(to);
            let seen_at = seen.as_ref().and_then(to);
            match (planned_at, seen_at) {
                (Some(planned), Some(seen)) if planned == seen => drawing.cable(from, seen, "cable", "as planned"),
                (Some(planned), seen) => {
                    drawing.cable(from, planned, "cable planned", "planned");
                    if let Some(seen) = seen {
                        let class = if socket.in_place == InPlace::No { "cable wrong" } else { "cable" };
                        drawing.cable(
                            from,
                            seen,
                            class,
                            if socket.in_place == InPlace::No { "✗ seen" } else { "seen" },
                        );
                    }
                }
                (None, Some(seen)) => drawing.cable(from, seen, "cable", "seen, not planned"),
                (None, None) => {}
            }
        }
        let bottom = |frame: &Frame| frame.y + frame.height;
        let switches = drawing.switches.iter().map(bottom).max().unwrap_or_default();
        drawing.height = bottom(&drawing.server).max(switches) + 2;
        drawing
    }

    /// The server, and the switches.
    pub fn devices(&self) -> impl Iterator<Item = &Frame> {
        std::iter::once(&self.server).chain(&self.switches)
    }

    /// Puts each port that is planned or seen on its switch; answers their middles.
    fn place_ports(&mut self, ports: &[(Option<Port>, Option<Port>)]) -> Vec<(Port, i32)> {
        let mut wanted: Vec<(Port, bool, bool)> = Vec::new();
        for (port, is_planned) in ports
            .iter()
            .flat_map(|(planned, seen)| [(planned, true), (seen, false)])
            .filter_map(|(p, is)| Some((p.as_ref()?, is)))
        {
            match wanted.iter_mut().find(|(known, ..)| known == port) {
                Some((_, planned, seen)) => (*planned, *seen) = (*planned || is_planned, *seen || !is_planned),
                None => wanted.push((port.clone(), is_planned, !is_planned)),
            }
        }
        let mut switches: Vec<String> = wanted.iter().map(|(port, ..)| port.switch.clone()).collect();
        switches.sort();
        switches.dedup();
        wanted.sort_by(|(a, ..), (b, ..)| a.port.len().cmp(&b.port.len()).then_with(|| a.port.cmp(&b.port)));
        let (mut middles, mut y) = (Vec::new(), 1);
        for switch in switches {
            let mut frame = Frame::new(SWITCH_X, y, SWITCH_WIDTH, &switch);
            for (port, planned, seen) in wanted.iter().filter(|(port, ..)| port.switch == switch) {
                let words = match (planned, seen) {
                    (true, true) => "planned and seen",
                    (true, false) => "planned, not seen here",
                    (false, _) => "seen, planned for nothing here",
                };
                middles.push((port.clone(), frame.row(&port.port, words.into())));
            }
            y += frame.height + APART;
            self.switches.push(frame);
        }
        middles
    }

    fn cable(&mut self, from: i32, to: i32, class: &'static str, words: &str) {
        let (x1, x2) = (SERVER_WIDTH + 1, SWITCH_X);
        let middle = (x1 + x2) / 2;
        let path = format!("M{x1} {from} C{middle} {from} {middle} {to} {x2} {to}");
        // Beside its port, where lines that cross are apart again.
        let label = Label { x: x2 - 62, y: to - 6, words: words.into() };
        self.cables.push(Stroke { path, class, label: Some(label) });
    }
}

/// Where a socket's cable is planned and seen; where it is in place, both are the plan's, in whose words.
fn ports(socket: &Socket) -> (Option<Port>, Option<Port>) {
    let planned = socket.planned.map(Port::planned);
    match socket.in_place {
        InPlace::Yes => (planned.clone(), planned),
        InPlace::No | InPlace::Untold => (planned, socket.nic.and_then(Port::seen)),
    }
}

fn name(socket: &Socket) -> String {
    let label = socket.planned.and_then(|link| link.label.clone());
    let name = socket.nic.map(|nic| nic.name.clone());
    match (label, name) {
        (Some(label), Some(name)) => format!("{label} · {name}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => socket.planned.map(|link| link.nic.to_string()).unwrap_or_default(),
    }
}

fn words(socket: &Socket) -> String {
    let Some(nic) = socket.nic else { return "✗ no such interface seen".into() };
    let link = match nic.link {
        Link::Up => match nic.speed_mbps {
            Some(mbps) if mbps >= 1000 => format!("link up, {} Gb/s", f64::from(mbps) / 1000.0),
            Some(mbps) => format!("link up, {mbps} Mb/s"),
            None => "link up".into(),
        },
        Link::NoCarrier => "✗ no link".into(),
        Link::Disabled => "switched off".into(),
        Link::Unknown => "link not told".into(),
    };
    match (nic.link, nic.neighbours.heard().is_empty()) {
        (Link::Up, true) => format!("{link}, no neighbour heard"),
        _ => link,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pious_protocol::facts::{LldpId, Neighbour, Neighbours};

    fn link(nic: u8, switch: &str, port: &str) -> PlannedLink {
        serde_json::from_value(serde_json::json!({
            "nic": format!("52:54:00:00:00:0{nic}"), "switch": switch, "port": port,
        }))
        .expect("a link")
    }

    fn nic(name: &str, switch: &str, port: &str) -> Nic {
        let neighbour = Neighbour {
            system_name: Some(switch.into()),
            port_id: LldpId { value: port.into(), ..LldpId::default() },
            ..Neighbour::default()
        };
        Nic { name: name.into(), link: Link::Up, neighbours: Neighbours::Heard(vec![neighbour]), ..Nic::default() }
    }

    fn classes(drawing: &CablingDrawing) -> Vec<&str> {
        drawing.cables.iter().map(|cable| cable.class).collect()
    }

    #[test]
    fn a_cable_in_place_is_one_line_in_the_plans_words() {
        let (link, nic) = (link(1, "leaf-a", "Ethernet1"), nic("eth0", "LEAF-A.example.net", "Ethernet1"));
        let socket = Socket { planned: Some(&link), nic: Some(&nic), in_place: InPlace::Yes };
        let drawing = CablingDrawing::of("r1-u10", &[socket]);
        assert_eq!(classes(&drawing), ["cable"]);
        let switches: Vec<_> =
            drawing.switches.iter().map(|switch| (switch.name.as_str(), switch.rows.len())).collect();
        assert_eq!(switches, [("leaf-a", 1)]);
    }

    #[test]
    fn a_swap_is_two_crossing_pairs_on_two_ports() {
        let links = [link(1, "leaf-a", "Ethernet1"), link(2, "leaf-a", "Ethernet2")];
        let nics = [nic("eth0", "leaf-a", "Ethernet2"), nic("eth1", "leaf-a", "Ethernet1")];
        let sockets: Vec<_> = (0..2)
            .map(|at| Socket { planned: Some(&links[at]), nic: Some(&nics[at]), in_place: InPlace::No })
            .collect();
        let drawing = CablingDrawing::of("r1-u10", &sockets);
        assert_eq!(classes(&drawing), ["cable planned", "cable wrong", "cable planned", "cable wrong"]);
        let rows: Vec<_> = drawing.switches[0].rows.iter().map(|row| row.words.as_str()).collect();
        assert_eq!(rows, ["planned and seen", "planned and seen"]);
    }

    #[test]
    fn a_cable_without_a_neighbour_is_planned_alone() {
        let link = link(1, "leaf-a", "Ethernet1");
        let dark = Nic { name: "eth0".into(), link: Link::NoCarrier, ..Nic::default() };
        let socket = Socket { planned: Some(&link), nic: Some(&dark), in_place: InPlace::Untold };
        let drawing = CablingDrawing::of("r1-u10", &[socket]);
        assert_eq!(classes(&drawing), ["cable planned"]);
        assert_eq!(drawing.server.rows[0].words, "✗ no link");
    }
}
