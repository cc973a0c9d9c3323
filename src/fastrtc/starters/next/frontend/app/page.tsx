import { Conversation } from "@/components/conversation";

export default function Page() {
  return <Conversation title="__NAME__" url="/api" />;
}
