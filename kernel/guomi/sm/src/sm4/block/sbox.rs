use std::ops::{BitAnd, BitXor, Not};

/// What [`sbox`] wants XORed onto each byte beforehand; round keys carry it.
pub(super) const INPUT: u32 = 0x75_75_75_75;

/// The S-box (GB/T 32907-2016, 6.2) as gates, on bit planes: `i0` has the lowest bit of each byte.
///
/// It is the inversion of a byte between two affine maps, over another polynomial than that of AES. Carried over to
/// the field of AES, the inversion is that of Boyar and Peralta ("A depth-16 circuit for the AES S-box", 2011), the
/// 62 gates in the middle; the maps are merged with its outer layers, and shared sums found greedily (Paar): 31 gates
/// before and 31 after.
#[rustfmt::skip]
#[inline(always)]
pub(super) fn sbox<T>([i0, i1, i2, i3, i4, i5, i6, i7]: [T; 8]) -> [T; 8]
where
    T: Copy + BitXor<Output = T> + BitAnd<Output = T> + Not<Output = T>,
{
    let a0 = i2 ^ i4; let a1 = i0 ^ i3; let a2 = i1 ^ a1; let a3 = i5 ^ a0; let a4 = i6 ^ i7; let a5 = i2 ^ i6;
    let a6 = i5 ^ a2; let a7 = i1 ^ a3; let a8 = i7 ^ a0; let a9 = i3 ^ i7; let a10 = i4 ^ a4;
    let a11 = i7 ^ a2; let a12 = a3 ^ a4; let a13 = a0 ^ a4; let a14 = i4 ^ a11; let a15 = i3 ^ a3;
    let a16 = i1 ^ a10; let a17 = a6 ^ a10; let a18 = i1 ^ a9; let a19 = i2 ^ i7; let a20 = i1 ^ a5;
    let a21 = i0 ^ a8; let a22 = i5 ^ a9; let a23 = i7 ^ a7; let a24 = a2 ^ a3; let a25 = a1 ^ a13;
    let a26 = a4 ^ a7; let a27 = i0 ^ a16; let a28 = a1 ^ a3; let a29 = a0 ^ a2; let a30 = a5 ^ a6;
    let t2 = a26 & a23; let t3 = a6 & a15; let t4 = t3 ^ t2; let t5 = a25 & a18; let t6 = t5 ^ t2;
    let t7 = i1 & a28; let t8 = a5 & a22; let t9 = t8 ^ t7; let t10 = a20 & a21; let t11 = t10 ^ t7;
    let t12 = a14 & a29; let t13 = a12 & a11; let t14 = t13 ^ t12; let t15 = a30 & a8; let t16 = t15 ^ t12;
    let t17 = t4 ^ t14; let t18 = t6 ^ t16; let t19 = t9 ^ t14; let t20 = t11 ^ t16; let t21 = t17 ^ a19;
    let t22 = t18 ^ a17; let t23 = t19 ^ a24; let t24 = t20 ^ a27; let t25 = t21 ^ t22; let t26 = t21 & t23;
    let t27 = t24 ^ t26; let t28 = t25 & t27; let t29 = t28 ^ t22; let t30 = t23 ^ t24; let t31 = t22 ^ t26;
    let t32 = t31 & t30; let t33 = t32 ^ t24; let t34 = t23 ^ t33; let t35 = t27 ^ t33; let t36 = t24 & t35;
    let t37 = t36 ^ t34; let t38 = t27 ^ t36; let t39 = t29 & t38; let t40 = t25 ^ t39; let t41 = t40 ^ t37;
    let t42 = t29 ^ t33; let t43 = t29 ^ t40; let t44 = t33 ^ t37; let t45 = t42 ^ t41; let z0 = t44 & a23;
    let z1 = t37 & a15; let z2 = t33 & a18; let z3 = t43 & a28; let z4 = t40 & a22; let z5 = t29 & a21;
    let z6 = t42 & a29; let z7 = t45 & a11; let z8 = t41 & a8; let z9 = t44 & a26; let z10 = t37 & a6;
    let z11 = t33 & a25; let z12 = t43 & i1; let z13 = t40 & a5; let z14 = t29 & a20; let z15 = t42 & a14;
    let z16 = t45 & a12; let z17 = t41 & a30; let b0 = z9 ^ z15; let b1 = z6 ^ z10; let b2 = z13 ^ b1;
    let b3 = z14 ^ b2; let b4 = z0 ^ z5; let b5 = z1 ^ b4; let b6 = z7 ^ b3; let b7 = z8 ^ b5;
    let b8 = z17 ^ b0; let b9 = z4 ^ z11; let b10 = b0 ^ b7; let b11 = b6 ^ b8; let b12 = z16 ^ b10;
    let b13 = z0 ^ b11; let b14 = z3 ^ z7; let b15 = z12 ^ z15; let b16 = b6 ^ b9; let b17 = b3 ^ b9;
    let b18 = b4 ^ b16; let b19 = z1 ^ b13; let b20 = b12 ^ b14; let b21 = z11 ^ b8; let b22 = z3 ^ b11;
    let b23 = z10 ^ b20; let b24 = z4 ^ b12; let b25 = b7 ^ b17; let b26 = z13 ^ b15; let b27 = z2 ^ b18;
    let b28 = z16 ^ b26; let b29 = b1 ^ b24; let b30 = z4 ^ b22;
    [!b23, !b25, b30, b21, !b29, b19, !b27, !b28]
}
