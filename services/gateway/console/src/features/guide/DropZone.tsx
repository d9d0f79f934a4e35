import { theme } from 'antd';
import { type ReactNode, useState } from 'react';

interface Props {
  label: string;
  onDrop: (data: DataTransfer) => void;
  children: ReactNode;
}

/** An area that things are dropped on; its buttons do the same by keyboard. */
export function DropZone({ label, onDrop, children }: Props) {
  const { token } = theme.useToken();
  const [over, setOver] = useState(false);
  return (
    <div
      role="group"
      aria-label={label}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        onDrop(event.dataTransfer);
      }}
      style={{
        padding: '28px 20px',
        textAlign: 'center',
        background: over ? token.colorPrimaryBg : token.colorFillQuaternary,
        border: `2px dashed ${over ? token.colorPrimary : token.colorBorder}`,
        borderRadius: token.borderRadiusLG,
      }}
    >
      {children}
    </div>
  );
}
