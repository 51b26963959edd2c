//! Hardware for Weihe: serial ports
