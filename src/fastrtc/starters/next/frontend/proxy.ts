import { NextResponse, type NextRequest } from "next/server";

/** Forward /api to the server in Python: the page and the server have one address, so no CORS is needed. */
export function proxy(request: NextRequest) {
  const backend = process.env.BACKEND_URL ?? "http://127.0.0.1:7860";
  const { pathname, search } = request.nextUrl;
  return NextResponse.rewrite(new URL(pathname.replace(/^\/api/, "") + search, backend));
}

export const config = { matcher: "/api/:path*" };
