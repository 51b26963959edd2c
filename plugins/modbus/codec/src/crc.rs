//! The check of a serial frame (MODBUS over Serial Line V1.02, 2.5.1.2 and appendix B): CRC-16 with
//! initial value FFFF, reflected polynomial A001, sent low byte first.

/// One step of the CRC for each value of a byte.
const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u16;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xA001
            } else {
                crc >> 1
            };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// The CRC of `bytes`.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (crc >> 8) ^ TABLE[usize::from((crc ^ u16::from(*byte)) & 0xFF)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc16(b"123456789"), 0x4B37);
    }

    #[test]
    fn a_frame_with_its_crc_has_the_residue_zero() {
        assert_eq!(crc16(&[0x11, 0x03, 0x00, 0x6B, 0x00, 0x03, 0x76, 0x87]), 0);
    }
}
