/** Loaded before a program to set its clock a minute ahead: leases of its killed predecessor have ended. */
const now = Date.now;
Date.now = () => now() + 60_000;
