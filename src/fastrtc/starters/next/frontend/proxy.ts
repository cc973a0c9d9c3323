import { NextResponse, type NextRequest } from "next/server";

/** Forward /api to the server in Python: the page and the server have one address, so no CORS is needed. */
export function proxy(request: NextRequest) {
  const host = request.headers.get("host") ?? "";
  if (!isAllowed(host)) {
    const reason = `This server is not called '${host}' (see ALLOWED_HOSTS)`;
    return NextResponse.json({ status: "failed", meta: { error: "unknown_host", reason } });
  }
  const backend = process.env.BACKEND_URL ?? "http://127.0.0.1:7860";
  const { pathname, search } = request.nextUrl;
  return NextResponse.rewrite(new URL(pathname.replace(/^\/api/, "") + search, backend));
}

/**
 * Whether a request is for this server. A page that lets its own name resolve to this address (DNS
 * rebinding) sends that name, which the server in Python does not see.
 */
function isAllowed(host: string): boolean {
  const names: string[] = process.env.ALLOWED_HOSTS?.toLowerCase().match(/[^\s,]+/g) ?? [];
  if (names.length === 0 && process.env.NODE_ENV === "production") return true;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  return /^(localhost|[\d.]+|\[[\da-f:.]+\])$/.test(name) || names.includes(name);
}

export const config = { matcher: "/api/:path*" };
