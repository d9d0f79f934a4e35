import { Button, type ButtonProps } from 'antd';
import { useRef } from 'react';

interface Props extends Omit<ButtonProps, 'onClick'> {
  accept?: string;
  folder?: boolean;
  onFiles: (files: File[]) => void;
}

/** A button that lets one choose a file, or a folder with all that is in it. */
export function FileButton({ accept, folder = false, onFiles, ...button }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button {...button} onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        hidden
        accept={accept}
        {...(folder ? { webkitdirectory: '' } : {})}
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          event.target.value = '';
          if (files.length) onFiles(files);
        }}
      />
    </>
  );
}
