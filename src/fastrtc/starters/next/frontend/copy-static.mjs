// The standalone server of Next.js serves these files only from its own folder.

import { cpSync } from "node:fs";

cpSync(".next/static", ".next/standalone/.next/static", { recursive: true });
