import type { NextConfig } from "next";

const config: NextConfig = {
  output: "standalone", // for the Docker image
  outputFileTracingRoot: import.meta.dirname,
  devIndicators: false,
};

export default config;
