/** The version of the client: that of the Python package. Written by build.mjs. */
export const VERSION = "0.1.0";
