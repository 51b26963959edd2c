//! Persistence for Weihe plugins: SQL and key-value over embedded SQLite
