//! A decimal number as it is written, and the nearest `f64` to it.

use std::cmp::Ordering;

/// Integers up to here are all among the `f64`.
pub(super) const EXACT: u64 = 1 << 53;
/// Powers of ten that are exact.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// No finite number has a digit above this place, and none below its negative is half the smallest.
const MOST_PLACES: i64 = 400;
/// Digits beyond say no more than whether there is anything: 767 are enough to tell any two neighbours
/// and their middle apart.
const MOST_DIGITS: usize = 800;

/// The digits of a number that is not negative, without its point, times a power of ten.
pub(crate) struct Decimal<'a> {
    digits: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
    /// Whether it is written without a point and an exponent.
    is_integer: bool,
}

impl<'a> Decimal<'a> {
    /// Takes digits, a fraction and an exponent apart. `None` when that is not what there is.
    pub(crate) fn scan(text: &'a [u8]) -> Option<Self> {
        let (digits, rest) = leading_digits(text);
        let is_integer = rest.is_empty();
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => leading_digits(rest),
            _ => (&rest[..0], rest),
        };
        if digits.is_empty() && fraction.is_empty() {
            return None;
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => {
                let (sign, rest) = match rest {
                    [b'-', rest @ ..] => (-1, rest),
                    [b'+', rest @ ..] => (1, rest),
                    _ => (1, rest),
                };
                let (digits, rest) = leading_digits(rest);
                if digits.is_empty() || !rest.is_empty() {
                    return None;
                }
                let add = |sum: i64, digit: &u8| {
                    sum.saturating_mul(10)
                        .saturating_add(i64::from(digit - b'0'))
                };
                sign * digits.iter().fold(0, add)
            }
            _ => return None,
        };
        Some(Decimal {
            digits,
            fraction,
            exponent,
            is_integer,
        })
    }

    /// The integer it is, where it is written as one and fits.
    pub(crate) fn whole(&self) -> Option<u64> {
        self.is_integer.then(|| whole(self.digits))?
    }

    /// The number in units of 1 / `scale`, rounded half up; `None` beyond 64 bits.
    pub(crate) fn scaled(&self, scale: u64) -> Option<u64> {
        if self.exponent != 0 {
            return None;
        }
        let whole = whole(self.digits)?;
        // From the last digit on, as by hand; what is behind the first 19 is below any unit there is.
        // Scales are far below 2⁶⁰, so a digit of each fits.
        let mut part = 0;
        for (place, digit) in self.fraction.iter().take(19).enumerate().rev() {
            let round = if place == 0 { 5 } else { 0 };
            part = (part + u64::from(digit - b'0') * scale + round) / 10;
        }
        whole.checked_mul(scale)?.checked_add(part)
    }

    /// The nearest `f64`, to even when there are two; infinite beyond the range.
    pub(crate) fn to_f64(&self) -> f64 {
        self.round(Round::Nearest)
    }

    /// An `f64` whose nearest `f32` is that of the number. The nearest `f64` is one, but where it lies in
    /// the middle of two `f32`, though the number does not.
    pub(crate) fn to_f64_for_f32(&self) -> f64 {
        /// The bits of a fraction that an `f32` does not have, and the first of them.
        const BEYOND: u64 = (1 << 29) - 1;
        const MIDDLE: u64 = 1 << 28;
        let nearest = self.to_f64();
        // The smallest `f32` have fewer bits.
        let is_usual = nearest >= f64::from(f32::MIN_POSITIVE);
        match is_usual && nearest.to_bits() & BEYOND != MIDDLE {
            true => nearest,
            false => self.round(Round::Odd),
        }
    }

    fn round(&self, round: Round) -> f64 {
        let mut digits = [self.digits, self.fraction].concat();
        let mut exponent = self.exponent.saturating_sub(self.fraction.len() as i64);
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        // Where the first digit stands, counted from the point.
        let place = exponent.saturating_add(digits.len() as i64);
        if digits.is_empty() || place < -MOST_PLACES {
            return 0.0;
        }
        if place > MOST_PLACES {
            return f64::INFINITY;
        }
        let power = POWERS.get(exponent.unsigned_abs() as usize);
        if let (Some(whole @ ..=EXACT), Some(power), Round::Nearest) =
            (whole(&digits), power, round)
        {
            // Both are exact, so the one operation rounds the true value.
            return match exponent {
                ..0 => whole as f64 / power,
                0.. => whole as f64 * power,
            };
        }
        if digits.len() > MOST_DIGITS {
            exponent += (digits.len() - MOST_DIGITS) as i64;
            // What is left out is something: it tells the middle of two numbers from what is above.
            let more = digits.drain(MOST_DIGITS..).any(|digit| digit != b'0');
            if let (true, Some(last)) = (more, digits.last_mut()) {
                // The digits before decide all else, so the last one only has to be odd.
                *last |= 1;
            }
        }
        long(&digits, exponent, round)
    }
}

/// What becomes of the bits for which there is no room.
#[derive(Clone, Copy)]
enum Round {
    /// The nearest number, to even when there are two.
    Nearest,
    /// None of the two neighbours but the one with an odd last bit, which tells whoever rounds once more
    /// that there was something behind.
    Odd,
}

/// Many digits times a power of ten.
#[cold]
#[inline(never)]
fn long(digits: &[u8], exponent: i64, round: Round) -> f64 {
    let mut number = Natural::default();
    for digit in digits {
        number.multiply_add(10, u32::from(digit - b'0'));
    }
    let mut divisor = Natural(vec![1]);
    let scaled = if exponent < 0 {
        &mut divisor
    } else {
        &mut number
    };
    for _ in 0..exponent.unsigned_abs() {
        scaled.multiply_add(10, 0);
    }
    quotient(number, divisor, round)
}

fn whole(digits: &[u8]) -> Option<u64> {
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    digits.iter().try_fold(0, add)
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// Bits of the fraction of an `f64`, the leading one included.
const PRECISION: i64 = 53;
/// The exponent of the last bit of the smallest numbers.
const LOWEST: i64 = -1074;

/// `number / divisor`, rounded. Bit by bit: numbers that need this are rare.
fn quotient(mut number: Natural, mut divisor: Natural, round: Round) -> f64 {
    // The exponent of the leading bit, or one more.
    let mut exponent = number.bits() - divisor.bits();
    // Make the quotient at least 1 and below 2.
    if exponent >= 0 {
        divisor.shift(exponent as usize);
    } else {
        number.shift(exponent.unsigned_abs() as usize);
    }
    if number.compare(&divisor) == Ordering::Less {
        number.shift(1);
        exponent -= 1;
    }
    // The smallest numbers have fewer bits.
    let last = (exponent - (PRECISION - 1)).max(LOWEST);
    let count = exponent - last + 1;
    let mut bits = 0_u64;
    if count < 0 {
        // Less than half of the smallest number.
        return 0.0;
    }
    for _ in 0..count {
        bits <<= 1;
        if number.compare(&divisor) != Ordering::Less {
            number.subtract(&divisor);
            bits |= 1;
        }
        number.shift(1);
    }
    // What is left is now in halves of the last bit.
    let half = number.compare(&divisor);
    match round {
        Round::Nearest => {
            bits +=
                u64::from(half == Ordering::Greater || (half == Ordering::Equal && bits & 1 == 1));
        }
        Round::Odd => bits |= u64::from(number.bits() > 0),
    }
    // A carry into one more bit is right by itself: the fraction is zero then.
    let leading = 1_u64 << (PRECISION - 1);
    if bits < leading {
        return f64::from_bits(bits);
    }
    let biased = last - LOWEST + 1 + i64::from(bits > leading * 2 - 1);
    if biased >= 0x7ff {
        return f64::INFINITY;
    }
    f64::from_bits((biased as u64) << (PRECISION - 1) | bits & (leading - 1))
}

/// A whole number of any size: digits to the base 2³², the lowest first, the highest not zero.
#[derive(Default)]
struct Natural(Vec<u32>);

impl Natural {
    #[inline(never)]
    fn multiply_add(&mut self, factor: u32, add: u32) {
        let mut carry = u64::from(add);
        for digit in &mut self.0 {
            carry += u64::from(*digit) * u64::from(factor);
            *digit = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn bits(&self) -> i64 {
        let last = self.0.last().copied().unwrap_or(0);
        self.0.len() as i64 * 32 - i64::from(last.leading_zeros())
    }

    #[inline(never)]
    fn shift(&mut self, bits: usize) {
        if self.0.is_empty() {
            return;
        }
        self.multiply_add(1 << (bits % 32), 0);
        if bits >= 32 {
            let mut digits = vec![0; bits / 32];
            digits.extend_from_slice(&self.0);
            self.0 = digits;
        }
    }

    #[inline(never)]
    fn compare(&self, other: &Natural) -> Ordering {
        let (a, b) = (&self.0, &other.0);
        a.len()
            .cmp(&b.len())
            .then_with(|| a.iter().rev().cmp(b.iter().rev()))
    }

    /// Subtracts what is not more.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (index, digit) in self.0.iter_mut().enumerate() {
            let other = other.0.get(index).copied().unwrap_or(0);
            let (less, under) = digit.overflowing_sub(other);
            let (less, again) = less.overflowing_sub(u32::from(borrow));
            (*digit, borrow) = (less, under || again);
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}
