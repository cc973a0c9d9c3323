import { NextResponse, type NextRequest } from "next/server";

/** Forward /api to the Python back end, so that the browser uses a single origin and needs no CORS. */
export function proxy(request: NextRequest) {
  const backend = process.env.BACKEND_URL ?? "http://127.0.0.1:7860";
  const { pathname, search } = request.nextUrl;
  return NextResponse.rewrite(new URL(pathname.replace(/^\/api/, "") + search, backend));
}

export const config = { matcher: "/api/:path*" };
