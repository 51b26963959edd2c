//! Interrupts of GPIO lines, as the kernel counts them: what edges are made of.

use crate::{Board, Guest, PC, VIRT, shared};

/// How often the interrupt of a line has come. `chip` is the name of its interrupt controller.
fn count(guest: &mut Guest, chip: &str, line: u32) -> u64 {
    let interrupts = guest.output("cat /proc/interrupts");
    let wanted = interrupts
        .lines()
        .map(|text| text.split_whitespace().collect::<Vec<_>>())
        .find(|words| {
            let mut pairs = words.windows(2);
            pairs.any(|pair| pair[0] == chip && pair[1] == line.to_string())
        });
    let wanted = wanted.unwrap_or_else(|| panic!("line {line} raises nothing: {interrupts}"));
    // Its number, then one column for the one processor.
    wanted[1].parse().expect("a number")
}

/// A line that the kernel itself raises both edges of.
pub(super) struct Raising {
    number: u32,
    folder: String,
    chip: &'static str,
    line: u32,
}

impl Raising {
    /// `label` is that of the line's chip, `chip` the name of its interrupt controller.
    pub(super) fn begin(guest: &mut Guest, label: &str, chip: &'static str, line: u32) -> Self {
        let base = guest.output(&format!(
            "for chip in /sys/class/gpio/gpiochip*; do \
             grep -q '{label}' $chip/label && cat $chip/base; done"
        ));
        let number = base.trim().parse::<u32>().expect("the chip's first number") + line;
        let list = "ls -d /sys/class/gpio/*";
        let known = guest.output(list);
        guest.output(&format!("echo {number} >/sys/class/gpio/export"));
        let all = guest.output(list);
        let folder = all.lines().find(|folder| !known.contains(folder));
        let folder = folder.expect("the line's folder").to_owned();
        guest.output(&format!("echo both >{folder}/edge"));
        Self {
            number,
            folder,
            chip,
            line,
        }
    }

    /// How many edges there were since the machine's start.
    pub(super) fn count(&self, guest: &mut Guest) -> u64 {
        count(guest, self.chip, self.line)
    }

    pub(super) fn end(self, guest: &mut Guest) {
        let Self { number, folder, .. } = self;
        guest.output(&format!(
            "echo none >{folder}/edge; echo {number} >/sys/class/gpio/unexport"
        ));
    }
}

/// Has a line raise both edges, moves it up and down, and sees both.
fn both_edges_come(
    board: &Board,
    label: &str,
    chip: &'static str,
    line: u32,
    mut press: impl FnMut(&mut Guest),
) {
    let Some(mut guest) = shared(board) else {
        return;
    };
    let raising = Raising::begin(&mut guest, label, chip, line);
    let first = raising.count(&mut guest);
    press(&mut guest);
    guest.until("both edges", |guest| {
        (raising.count(guest) == first + 2).then_some(())
    });
    raising.end(&mut guest);
}

#[test]
fn both_edges_of_the_power_key_come_through_a_pl061() {
    both_edges_come(&VIRT, "9030000.pl061", "9030000.pl061", 3, |guest| {
        guest.press_power_key();
    });
}

#[test]
fn both_edges_of_a_key_come_through_the_rigs_own_chip() {
    both_edges_come(&PC, "weihe-rig", "weihe-rig", 16, |guest| {
        guest.drive(16, true);
        guest.drive(16, false);
    });
}
