//! Network connections for Weihe: TCP client and listener
