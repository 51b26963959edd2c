//! The point sG + tP of a verification, by steps that depend on s, t and P.
//!
//! All three are public: whoever sees how long it takes learns what was sent in the open. Nothing here may be given a
//! private key, or the number of a signature in the making. Jacobian coordinates, numbers in non-adjacent form (Guide to
//! Elliptic Curve Cryptography, 3.2.2, 3.3), both numbers in one run of doublings (3.3.3).

use std::sync::LazyLock;

use sm2::{
    AffinePoint, ProjectivePoint, Scalar, Sm2,
    elliptic_curve::{
        Group,
        ff::{Field, PrimeField},
        hazmat::FieldArithmetic,
        point::AffineCoordinates,
    },
};

type Element = <Sm2 as FieldArithmetic>::FieldElement;

/// Digits of the base point's number have so many bits: 64 multiples, 4 KiB, made once.
const BASE: usize = 8;
/// Those of the other point's: its 8 multiples are made each time.
const OTHER: usize = 5;

/// Bits of a number, and one more that a carry may reach.
const DIGITS: usize = 257;

/// The order n as a number of the field, and p - n (GB/T 32918.5-2017, 2): x below that stands for x + n too.
const BEYOND: [u8; 32] =
    super::identity::hex("000000000000000000000000000000008dfc2093de39fad5ac440bf6c62abedc");

/// Whether x of sG + tP is `x` modulo n. It is not where the sum is the point at infinity.
pub(super) fn comes_to(s: &Scalar, t: &Scalar, point: &AffinePoint, x: &Scalar) -> bool {
    let sum = sum(s, t, point);
    let bytes = x.to_repr();
    let Some(x) = Element::from_repr(bytes).into_option() else {
        return false;
    };
    let scale = sum.z.square();
    if sum.is_infinity() {
        return false;
    }
    if sum.x == x * scale {
        return true;
    }
    // x of the point lies below p, which is greater than n.
    let order = -Scalar::ONE;
    let order = Element::from_repr(order.to_repr()).into_option();
    match order.filter(|_| bytes.as_slice() < BEYOND.as_slice()) {
        Some(order) => sum.x == (x + order + Element::ONE) * scale,
        None => false,
    }
}

fn sum(s: &Scalar, t: &Scalar, point: &AffinePoint) -> Jacobian {
    static MULTIPLES: LazyLock<Vec<Affine>> = LazyLock::new(multiples_of_base);
    let (base, other) = (digits::<BASE>(s), digits::<OTHER>(t));
    let multiples = multiples(&Jacobian::from(&Affine::from(point)));
    let mut sum = Jacobian::INFINITY;
    for (base, other) in base.into_iter().zip(other).rev() {
        sum = sum.double();
        if other != 0
            && let Some(multiple) = multiples.get(place(other))
        {
            sum = sum.add(&multiple.signed(other));
        }
        if base != 0
            && let Some(multiple) = MULTIPLES.get(place(base))
        {
            sum = sum.add_affine(&multiple.signed(base));
        }
    }
    sum
}

/// Where the multiple for an odd digit stands.
fn place(digit: i8) -> usize {
    usize::from(digit.unsigned_abs()) / 2
}

/// A number in digits that are 0, or odd with as many bits as `WIDTH` says, its sign among them; the lowest first.
fn digits<const WIDTH: usize>(number: &Scalar) -> [i8; DIGITS] {
    let mut words = [0_u64; 5];
    let bytes = number.to_repr();
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0.iter().rev()) {
        *word = u64::from_be_bytes(*bytes);
    }
    let bits = |at: usize| {
        let low = words.get(at / 64).copied().unwrap_or(0);
        let high = words.get(at / 64 + 1).copied().unwrap_or(0);
        let both = u128::from(high) << 64 | u128::from(low);
        (both >> (at % 64)) as i32 & ((1 << WIDTH) - 1)
    };
    let mut digits = [0; DIGITS];
    let (mut at, mut carry) = (0, 0);
    while at < DIGITS {
        if bits(at) & 1 == carry {
            at += 1;
            continue;
        }
        let window = bits(at) + carry;
        carry = window >> (WIDTH - 1);
        // Within i8: WIDTH is at most 8.
        digits[at] = (window - (carry << WIDTH)) as i8;
        at += WIDTH;
    }
    digits
}

/// The point times 1, 3, 5 and so on.
fn multiples(point: &Jacobian) -> [Jacobian; 1 << (OTHER - 2)] {
    let twice = point.double();
    let mut multiples = [*point; 1 << (OTHER - 2)];
    for at in 1..multiples.len() {
        multiples[at] = multiples[at - 1].add(&twice);
    }
    multiples
}

/// The base point times 1, 3, 5 and so on.
fn multiples_of_base() -> Vec<Affine> {
    let twice = ProjectivePoint::GENERATOR.double();
    let all = std::iter::successors(Some(ProjectivePoint::GENERATOR), |last| Some(*last + twice));
    all.take(1 << (BASE - 2))
        .map(|point| Affine::from(&point.to_affine()))
        .collect()
}

/// A point other than the one at infinity.
#[derive(Clone, Copy)]
struct Affine {
    x: Element,
    y: Element,
}

impl From<&AffinePoint> for Affine {
    fn from(point: &AffinePoint) -> Self {
        // What a point has are numbers of the field.
        let number = |bytes| Element::from_repr(bytes).unwrap_or(Element::ZERO);
        Self {
            x: number(point.x()),
            y: number(point.y()),
        }
    }
}

impl Affine {
    /// The point, or its negative for a negative digit.
    fn signed(self, digit: i8) -> Self {
        let y = if digit < 0 { -self.y } else { self.y };
        Self { y, ..self }
    }
}

/// The point (x / z², y / z³); that at infinity where z is 0.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Element,
    y: Element,
    z: Element,
}

impl From<&Affine> for Jacobian {
    fn from(point: &Affine) -> Self {
        Self {
            x: point.x,
            y: point.y,
            z: Element::ONE,
        }
    }
}

impl Jacobian {
    const INFINITY: Self = Self {
        x: Element::ONE,
        y: Element::ONE,
        z: Element::ZERO,
    };

    fn is_infinity(&self) -> bool {
        self.z.is_zero_vartime()
    }

    fn signed(self, digit: i8) -> Self {
        let y = if digit < 0 { -self.y } else { self.y };
        Self { y, ..self }
    }

    /// dbl-2001-b of the Explicit-Formulas Database, for a = -3. Infinity stays what it is.
    fn double(&self) -> Self {
        let (delta, gamma) = (self.z.square(), self.y.square());
        let beta = self.x * gamma;
        let alpha = (self.x - delta) * (self.x + delta);
        let alpha = alpha.double() + alpha;
        let four_beta = beta.double().double();
        let x = alpha.square() - four_beta.double();
        let eight_gammas = gamma.square().double().double().double();
        Self {
            x,
            y: alpha * (four_beta - x) - eight_gammas,
            z: (self.y + self.z).square() - gamma - delta,
        }
    }

    fn add(&self, other: &Self) -> Self {
        if self.is_infinity() {
            return *other;
        }
        if other.is_infinity() {
            return *self;
        }
        let (zz, other_zz) = (self.z.square(), other.z.square());
        self.join(
            [self.x * other_zz, self.y * other.z * other_zz],
            [other.x * zz, other.y * self.z * zz],
            self.z * other.z,
        )
    }

    fn add_affine(&self, other: &Affine) -> Self {
        if self.is_infinity() {
            return Self::from(other);
        }
        let zz = self.z.square();
        let moved = [other.x * zz, other.y * self.z * zz];
        self.join([self.x, self.y], moved, self.z)
    }

    /// The sum of this point, as `one` has it, and of another over the same z.
    fn join(&self, one: [Element; 2], other: [Element; 2], z: Element) -> Self {
        let [along, across] = [other[0] - one[0], other[1] - one[1]];
        if along.is_zero_vartime() {
            return match across.is_zero_vartime() {
                true => self.double(),
                false => Self::INFINITY,
            };
        }
        let square = along.square();
        let (cube, middle) = (square * along, one[0] * square);
        let x = across.square() - cube - middle.double();
        Self {
            x,
            y: across * (middle - x) - one[1] * cube,
            z: z * along,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use sm2::{
        FieldBytes,
        elliptic_curve::{ops::Reduce, sec1::FromSec1Point},
    };

    use super::*;

    fn number(bytes: [u8; 32]) -> Scalar {
        Scalar::reduce(&FieldBytes::from(bytes))
    }

    fn x(point: &ProjectivePoint) -> Scalar {
        Scalar::reduce(&point.to_affine().x())
    }

    fn is_point(found: &Jacobian, expected: &ProjectivePoint) -> bool {
        let expected = expected.to_affine();
        if bool::from(expected.is_identity()) || found.is_infinity() {
            return bool::from(expected.is_identity()) && found.is_infinity();
        }
        let expected = Affine::from(&expected);
        let zz = found.z.square();
        found.x == expected.x * zz && found.y == expected.y * found.z * zz
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_rustcrypto(s: [u8; 32], t: [u8; 32], d: [u8; 32]) {
            let (s, t, d) = (number(s), number(t), number(d));
            prop_assume!(!bool::from(d.is_zero()));
            let point = ProjectivePoint::GENERATOR * d;
            let expected = ProjectivePoint::GENERATOR * s + point * t;
            let point = point.to_affine();
            prop_assert!(is_point(&sum(&s, &t, &point), &expected));
            prop_assert!(comes_to(&s, &t, &point, &x(&expected)));
            prop_assert!(!comes_to(&s, &t, &point, &(x(&expected) + Scalar::ONE)));
        }
    }

    /// Where points meet themselves, their negatives and infinity on the way.
    #[test]
    fn small_numbers_and_those_near_the_order_come_out_right() {
        let edges: Vec<Scalar> = [0, 1, 2, 3, 5, 6, 15, 16, 17, 127, 128, 129, 257]
            .map(Scalar::from_u64)
            .into_iter()
            .flat_map(|number| [number, -number])
            .collect();
        for d in [1_u64, 2, 3, 17, 127].map(Scalar::from_u64) {
            for d in [d, -d] {
                let point = ProjectivePoint::GENERATOR * d;
                for s in &edges {
                    for t in &edges {
                        let expected = ProjectivePoint::GENERATOR * (*s + *t * d);
                        let found = sum(s, t, &point.to_affine());
                        assert!(is_point(&found, &expected), "{s:?} G + {t:?} * {d:?} G");
                    }
                }
            }
        }
    }

    #[test]
    fn infinity_has_no_x() {
        let (s, t) = (Scalar::from_u64(6), Scalar::from_u64(3));
        let point = (-ProjectivePoint::GENERATOR.double()).to_affine();
        for x in [Scalar::ZERO, Scalar::ONE, s] {
            assert!(!comes_to(&s, &t, &point, &x));
        }
    }

    /// Hardly ever met by chance: one point in 2^128 has such an x.
    #[test]
    fn an_x_between_n_and_p_counts_modulo_n() {
        let order = Element::from_repr((-Scalar::ONE).to_repr()).unwrap() + Element::ONE;
        let (above, point) = (0_u64..100)
            .find_map(|above| {
                let x = order + Element::from_u64(above);
                let compressed = [&[2], x.to_repr().as_slice()].concat();
                let point = sm2::Sec1Point::from_bytes(&compressed).ok()?;
                let point: Option<AffinePoint> = AffinePoint::from_sec1_point(&point).into();
                Some((above, point?))
            })
            .unwrap();
        let t = Scalar::from_u64(7);
        // s G + t P is the point.
        let s = Scalar::from_u64(9);
        let rest = ProjectivePoint::from(point) - ProjectivePoint::GENERATOR * s;
        let p = (rest * t.invert().unwrap()).to_affine();
        assert!(comes_to(&s, &t, &p, &Scalar::from_u64(above)));
        assert!(!comes_to(&s, &t, &p, &Scalar::from_u64(above + 1)));
    }

    #[test]
    fn what_lies_beyond_the_order_is_the_difference_of_p_and_n() {
        let order = Element::from_repr((-Scalar::ONE).to_repr()).unwrap() + Element::ONE;
        assert_eq!((-order).to_repr().as_slice(), BEYOND.as_slice());
    }

    #[test]
    fn digits_add_up_to_the_number() {
        for number in [
            Scalar::ZERO,
            Scalar::ONE,
            -Scalar::ONE,
            -Scalar::from_u64(77),
        ] {
            for digits in [digits::<BASE>(&number), digits::<OTHER>(&number)] {
                let sum = digits.iter().rev().fold(Scalar::ZERO, |sum, digit| {
                    let size = Scalar::from_u64(u64::from(digit.unsigned_abs()));
                    sum.double() + if *digit < 0 { -size } else { size }
                });
                assert_eq!(sum, number);
            }
        }
    }
}
