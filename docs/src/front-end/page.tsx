import { Talk } from "./Talk";

export default function Page() {
  return <Talk url={process.env.NEXT_PUBLIC_STREAM_URL} />;
}
