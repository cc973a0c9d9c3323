import type { NextConfig } from "next";

export default { basePath: "/next", output: "export", trailingSlash: true } satisfies NextConfig;
